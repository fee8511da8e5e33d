// SPDX-License-Identifier: Apache-2.0
// A new plugin in a folder of its author's: a source that works, its test, benchmark, experiment.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace hilum::author {

/// Texts by file name.
using Files = std::map<std::string, std::string>;

/// The example of this kind (examples/plugins) under another name; no licence is put on it. Throws
/// Error (request) for an unknown kind, with the nearest, and for a name that C++ does not allow.
Files scaffold(const std::string& kind, const std::string& name);

/// All files or none: each is written in a folder beside and moved into place. Throws Error:
/// request where some are there already (it lists them), work where the folder cannot be written.
std::vector<std::filesystem::path> write_new(const Files& files,
                                             const std::filesystem::path& folder);

}  // namespace hilum::author
