// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace hilum::util {

/// The whole file. Throws Error naming it.
std::string read_file(const std::filesystem::path& file);
/// Calls `write` with a name beside `file`, flushes it to the disk and renames it into place:
/// readers see the old file or the new one, never half of one.
void write_beside(const std::filesystem::path& file,
                  const std::function<void(const std::filesystem::path&)>& write);
void write_file(const std::filesystem::path& file, std::string_view text);
/// The running program's own file.
std::filesystem::path this_program();

}  // namespace hilum::util
