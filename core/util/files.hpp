// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "hilum/error.hpp"

namespace hilum::util {

/// No space left: the work can go on where it stopped, once there is some.
struct DiskFull : Error {
  using Error::Error;
};

/// The whole file. Throws Error naming it.
std::string read_file(const std::filesystem::path& file);
/// Calls `write` with a file beside `file`, flushes that to the disk and renames it into place:
/// readers see the old file or the new one, never half of one. Throws Error with the system's
/// reason, DiskFull where that is it; what was there before is untouched.
void write_beside(const std::filesystem::path& file,
                  const std::function<void(std::ostream&)>& write);
void write_file(const std::filesystem::path& file, std::string_view text);
/// The running program's own file.
std::filesystem::path this_program();

}  // namespace hilum::util
