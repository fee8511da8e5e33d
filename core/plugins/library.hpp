// SPDX-License-Identifier: Apache-2.0
// Loading itself. The one file of this room that is compiled against LibTorch is library.cpp.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/plugins/catalog.hpp"

namespace hilum {
struct Plugin;
}

namespace hilum::plugins {

/// What a library registered, or why it did not (steps `loads` and `registers`).
struct Opened {
  std::vector<std::shared_ptr<const Plugin>> plugins;
  std::optional<Failure> failure;
  bool threw = false;  // out of dlopen: the dynamic linker may be left in any state
};

/// Loads a library into this process for good and calls its entry. `on_step` is told what comes
/// next.
Opened open_library(const std::filesystem::path& library,
                    const std::function<void(Step)>& on_step = {});
const Declaration& declaration(const Plugin& plugin);

}  // namespace hilum::plugins
