// SPDX-License-Identifier: Apache-2.0
// Rules that hold for the text of the tree; CONTRIBUTING.md has the reason for each.
#pragma once
#include <string>
#include <vector>

namespace hilum::arrows {

/// A file of the tree. path: relative to the repository, "core/util/text.cpp".
struct File {
  std::string path, text;
};
using Files = std::vector<File>;
/// Sentences of the form "path:line: what is wrong"; empty: the rule is kept.
using Violations = std::vector<std::string>;

/// Every file that belongs to the repository: build folders and runs are left out.
Files read_tree(const std::string& root);

/// core/<room>/ includes only rooms further down; nothing of core includes a plugin.
Violations rooms(const Files& files);
/// SDK headers: hilum/, LibTorch and the standard library.
Violations sdk_includes(const Files& files);
/// Plugins: hilum/*.hpp, LibTorch, the standard library and files of their own folder. Their tests
/// and benchmarks may use the core.
Violations plugin_includes(const Files& files);
/// No string of the core is the name of a plugin that stands in plugins/. core/data is left out:
/// there, equal words are names of targets. So are comments and examples within a longer string.
Violations plugin_names(const Files& files);
/// Plugins have no objects that are constructed when the library is loaded, and register nothing
/// with torch.
Violations static_constructors(const Files& files);
/// C++ files begin with the licence.
Violations licences(const Files& files);
/// No file is longer than 400 lines.
Violations lengths(const Files& files);
/// Nothing names a folder of somebody's machine, or the host of a package registry.
Violations places(const Files& files);

}  // namespace hilum::arrows
