// SPDX-License-Identifier: Apache-2.0
// Libraries are looked at in a child process, so that one that crashes, throws, exits or hangs is a
// finding and takes nothing else down.
#pragma once
#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "core/plugins/catalog.hpp"

namespace hilum::plugins {

/// What a library registered, or where it failed.
struct Report {
  std::vector<Declaration> plugins;
  std::optional<Failure> failure;
  bool lasting = true;  // false: the cause may lie outside the library, so the report is not cached
};

/// Runs `engine describe-plugin LIBRARY...` (describe.hpp) as often as it takes: after a failure a
/// new child goes on with the rest. `patience`: how long one library may take without progress.
std::map<std::filesystem::path, Report> examine(const std::vector<std::filesystem::path>& libraries,
                                                const std::filesystem::path& engine,
                                                std::chrono::milliseconds patience);

}  // namespace hilum::plugins
