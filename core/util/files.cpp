// SPDX-License-Identifier: Apache-2.0
#include "core/util/files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

namespace hilum::util {
namespace fs = std::filesystem;

std::string read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in || fs::is_directory(file)) throw Error(file.string() + ": cannot be read");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

namespace {

[[noreturn]] void refuse(const fs::path& file, int reason) {
  const std::string text = file.string() + ": cannot be written: " + std::strerror(reason) +
                           ". What was there before is untouched.";
  if (reason == ENOSPC || reason == EDQUOT) throw DiskFull(text + " Free some space on this disk.");
  throw Error(text);
}

void write_through(const fs::path& file, const std::function<void(std::ostream&)>& write) {
  const auto require = [](bool done) {
    if (!done) throw std::system_error(errno, std::generic_category());
  };
  errno = 0;
  std::ofstream out(file, std::ios::binary);
  require(out.is_open());
  write(out);
  out.close();
  require(static_cast<bool>(out));
  const int descriptor = open(file.c_str(), O_RDONLY);
  const bool flushed = descriptor >= 0 && fsync(descriptor) == 0;
  const int reason = errno;
  if (descriptor >= 0) close(descriptor);
  errno = reason;
  require(flushed);
}

}  // namespace

void write_beside(const fs::path& file, const std::function<void(std::ostream&)>& write) {
  const fs::path beside = file.string() + ".part" + std::to_string(getpid());
  std::error_code ignored;
  try {
    if (file.has_parent_path()) fs::create_directories(file.parent_path());
    write_through(beside, write);
    fs::rename(beside, file);
  } catch (const std::system_error& error) {  // a filesystem_error is one
    fs::remove(beside, ignored);
    refuse(file, error.code().value());
  } catch (...) {
    fs::remove(beside, ignored);
    throw;
  }
}

void write_file(const fs::path& file, std::string_view text) {
  write_beside(file, [&](std::ostream& out) { out << text; });
}

fs::path this_program() { return fs::read_symlink("/proc/self/exe"); }

}  // namespace hilum::util
