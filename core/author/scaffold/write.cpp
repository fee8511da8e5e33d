// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "core/author/scaffold/scaffold.hpp"
#include "core/util/files.hpp"
#include "hilum/error.hpp"
#include "hilum/names.hpp"

namespace hilum::author {
namespace {
namespace fs = std::filesystem;

// Folders that were made on the way, the outermost first; taken back where the work fails.
std::vector<fs::path> make_folders(const fs::path& folder) {
  std::vector<fs::path> made;
  for (fs::path missing = folder; !missing.empty() && !fs::exists(missing);
       missing = missing.parent_path())
    made.insert(made.begin(), missing);
  fs::create_directories(folder);
  return made;
}

void refuse_what_is_there(const Files& files, const fs::path& folder) {
  Strings there;
  for (const auto& [name, text] : files)
    if (fs::exists(fs::symlink_status(folder / name))) there.push_back(name);
  if (!there.empty())
    throw Error(folder.string() + ": there is already " + join(there, ", ") +
                    ". Nothing was written. Choose another folder with --dir: each plugin has its "
                    "own.",
                Fault::request);
}

}  // namespace

std::vector<fs::path> write_new(const Files& files, const fs::path& folder) {
  refuse_what_is_there(files, folder);
  const fs::path beside = folder / (".new.part" + std::to_string(getpid()));
  std::vector<fs::path> made, written;
  try {
    made = make_folders(folder);
    for (const auto& [name, text] : files) util::write_file(beside / name, text);
    for (const auto& [name, text] : files) {
      fs::rename(beside / name, folder / name);
      written.push_back(folder / name);
    }
    fs::remove(beside);
    return written;
  } catch (const std::exception& error) {
    std::error_code ignored;
    for (const auto& file : written) fs::remove(file, ignored);
    fs::remove_all(beside, ignored);
    for (auto it = made.rbegin(); it != made.rend(); ++it) fs::remove(*it, ignored);
    throw Error(folder.string() + ": cannot be written: " + error.what() +
                ". Nothing was left there. Choose another folder with --dir.");
  }
}

}  // namespace hilum::author
