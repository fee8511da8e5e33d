// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <vector>

namespace hilum::plugins {

/// What the child process does (child.hpp is its other end): loads each library and prints a JSON
/// document a line, {"ready": true} first; for each library {"library", "step"} before a step that
/// may be its last, and at the end {"library", "plugins": [...]} or {"library", "failure":
/// "cause"}. Ends the process: the libraries' destructors do not run.
[[noreturn]] void describe_libraries(const std::vector<std::filesystem::path>& libraries);

}  // namespace hilum::plugins
