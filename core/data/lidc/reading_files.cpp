// SPDX-License-Identifier: Apache-2.0
#include "core/data/lidc/reading_files.hpp"

#include <algorithm>

namespace hilum::data::lidc {
namespace fs = std::filesystem;
namespace {

std::vector<fs::path> xml_files(const fs::path& folder) try {
  if (!fs::is_directory(folder)) throw Error(folder.string() + ": no such folder.", Fault::request);
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    std::string end = entry.path().extension().string();
    std::transform(end.begin(), end.end(), end.begin(), [](unsigned char c) {
      return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    });
    if (end == ".xml" && entry.is_regular_file()) files.push_back(entry.path());
  }
  if (files.empty()) throw Error(folder.string() + ": no .xml file below it.", Fault::data);
  std::sort(files.begin(), files.end());
  return files;
} catch (const fs::filesystem_error& error) {
  throw Error(error.path1().string() + ": cannot be read: " + error.code().message() + ".",
              Fault::data);
}

}  // namespace

ReadingFiles read_reading_files(const fs::path& folder, prepare::Report& report) {
  ReadingFiles files;
  for (const auto& path : xml_files(folder)) {
    const std::string name = path.lexically_relative(folder).string();
    try {
      ReadingFile file = read_readings(path);
      ++report.kept["reading files"];
      for (const auto& note : file.notes) report.notes.push_back(name + ": " + note);
      if (file.ct)
        files[file.series].push_back(std::move(file));
      else
        report.dropped.emplace_back(name, "reading of a chest X-ray");
    } catch (const Error& error) {
      if (error.fault != Fault::data) throw;
      report.dropped.emplace_back(name, error.what());
    }
  }
  return files;
}

}  // namespace hilum::data::lidc
