// SPDX-License-Identifier: Apache-2.0
#include "core/runs/tidy/gc_parts.hpp"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <optional>

#include "core/runs/ask/where.hpp"

namespace hilum::runs {
namespace {
namespace fs = std::filesystem;

constexpr std::chrono::hours kQuiet{1};
constexpr uintmax_t kWorthPacking = 1 << 20;  // bytes of free pages, and a tenth of the file

// The process that a half-written file's name tells, 0 where it does not; none for a finished file.
std::optional<int64_t> writer_of(const std::string& name) {
  constexpr std::string_view kPart = ".part";
  const size_t at = name.rfind(kPart);
  if (at == name.npos) return {};
  const char* end = name.data() + name.size();
  int64_t process = 0;
  const char* rest = std::from_chars(name.data() + at + kPart.size(), end, process).ptr;
  return rest == end || *rest == '.' ? std::optional(process) : std::nullopt;
}

// Of a folder: when something in it was last written.
fs::file_time_type last_write(const fs::path& path) {
  std::error_code none;
  auto last = fs::last_write_time(path, none);
  if (fs::is_directory(fs::symlink_status(path, none)))
    for (const auto& entry : fs::directory_iterator(path, none))
      last = std::max(last, entry.last_write_time(none));
  return last;
}

}  // namespace

uintmax_t size_of(const fs::path& path) {
  std::error_code none;
  const auto of_file = [&](const fs::path& file) {
    if (!fs::is_regular_file(fs::symlink_status(file, none))) return uintmax_t{0};
    const auto bytes = fs::file_size(file, none);
    return none ? 0 : bytes;
  };
  if (!fs::is_directory(fs::symlink_status(path, none))) return of_file(path);
  uintmax_t bytes = 0;
  std::error_code failed;
  for (fs::recursive_directory_iterator entry(path, failed), end; !failed && entry != end;
       entry.increment(failed))
    bytes += of_file(entry->path());
  return bytes;
}

bool is_abandoned_part(const fs::path& path, bool here) {
  const auto process = writer_of(path.filename().string());
  if (!process) return false;
  if (*process > 0) {
    const bool alive = kill(static_cast<pid_t>(*process), 0) == 0 || errno == EPERM;
    if (alive || here) return !alive;
  }
  return fs::file_time_type::clock::now() - last_write(path) > kQuiet;
}

uintmax_t packable(Connection& store) {
  const auto number = [&](const std::string& sql) {
    auto query = store.query(sql);
    query.step();
    return static_cast<uintmax_t>(query.integer(0));
  };
  const uintmax_t page = number("SELECT page_size FROM pragma_page_size");
  const uintmax_t free = page * number("SELECT freelist_count FROM pragma_freelist_count");
  const uintmax_t all = page * number("SELECT page_count FROM pragma_page_count");
  if (free < kWorthPacking || free < all / 10) return 0;
  const bool running =
      number(std::string("SELECT count(*) FROM run r WHERE ") + kStatus + " = 'running'") > 0;
  return running ? 0 : free;
}

bool holds_work(const fs::path& folder) {
  std::error_code none;
  if (fs::exists(folder / "predictions", none)) return true;
  for (const auto& entry : fs::directory_iterator(folder, none))
    if (entry.path().extension() == ".pt") return true;
  return false;
}

}  // namespace hilum::runs
