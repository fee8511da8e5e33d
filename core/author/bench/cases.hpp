// SPDX-License-Identifier: Apache-2.0
// Which cases are measured. No LibTorch.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "core/author/bench/case.hpp"

namespace hilum::bench {

/// Sizes of patches and features as they are in practice, by the kind of the plugin. `options` are
/// each case's; a backbone's image has as many channels as its option in_channels says.
std::vector<Case> default_cases(const Declaration& plugin, const Values& options);

/// Of a file, in its order:
///   [case."32x32"]
///   a = [10, 64, 32, 32]
///   b = [10, 64, 32, 32]
///   options = { per_channel = true }     # may be absent
/// `options` are each case's and come before the file's. Throws Error (request) with everything
/// that is wrong: file:line:column, what is allowed, the nearest name.
std::vector<Case> read_cases(const std::filesystem::path& file, const Declaration& plugin,
                             const Values& options);

}  // namespace hilum::bench
