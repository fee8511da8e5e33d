// SPDX-License-Identifier: Apache-2.0
#include "core/data/prepare/luna16_tables.hpp"

#include <algorithm>

#include "core/data/prepare/table.hpp"

namespace hilum::data::prepare::luna16 {
namespace fs = std::filesystem;
namespace {

struct Place {
  size_t series, x, y, z;
  explicit Place(const Csv& csv)
      : series(csv.need("seriesuid")),
        x(csv.need("coordX")),
        y(csv.need("coordY")),
        z(csv.need("coordZ")) {}
  Mark mark(const Csv& csv, const Csv::Row& row) const {
    need_text(csv, row, series);
    return {{need_number(csv, row, x), need_number(csv, row, y), need_number(csv, row, z)},
            0,
            row.line};
  }
};

}  // namespace

Marks read_annotations(const fs::path& table) {
  const Csv csv = Csv::read(table);
  const Place place(csv);
  const size_t diameter = csv.need("diameter_mm");
  Marks marks;
  for (const auto& row : csv.rows) {
    Mark mark = place.mark(csv, row);
    mark.diameter = need_number(csv, row, diameter);
    if (!(mark.diameter > 0 && mark.diameter < 200))
      refuse(csv, row, diameter,
             "allowed mm above 0 and below 200. (annotations_excluded.csv has -1; it lists no "
             "nodules to learn from.)");
    marks[row.cells[place.series]].push_back(mark);
  }
  return marks;
}

Marks read_negatives(const fs::path& table) {
  const Csv csv = Csv::read(table);
  const Place place(csv);
  const size_t label = csv.need("class");
  Marks marks;
  for (const auto& row : csv.rows) {
    const Mark mark = place.mark(csv, row);
    const double value = need_number(csv, row, label);
    if (value != 0 && value != 1) refuse(csv, row, label, "allowed 0 and 1.");
    if (value == 0) marks[row.cells[place.series]].push_back(mark);
  }
  return marks;
}

std::map<std::string, std::string> read_patients(const fs::path& table) {
  std::map<std::string, std::string> patients;
  const Csv csv = Csv::read(table);
  const size_t series = csv.need("seriesuid"), patient = csv.need("patient");
  for (const auto& row : csv.rows)
    if (!patients.emplace(need_text(csv, row, series), need_text(csv, row, patient)).second)
      refuse(csv, row, series, "stands there twice.");
  return patients;
}

std::map<std::string, fs::path> find_files(const fs::path& folder, const Strings& endings) {
  if (!fs::is_directory(folder)) throw Error(folder.string() + ": is no folder.", Fault::data);
  std::map<std::string, fs::path> files;
  std::error_code problem;
  auto entry = fs::recursive_directory_iterator(
      folder, fs::directory_options::skip_permission_denied, problem);
  for (; !problem && entry != fs::recursive_directory_iterator(); entry.increment(problem)) {
    const fs::path& file = entry->path();
    const auto ends = [&](const std::string& ending) {
      return file.filename().string().ends_with(ending);
    };
    if (!entry->is_regular_file() || !std::any_of(endings.begin(), endings.end(), ends)) continue;
    const auto [other, fresh] = files.emplace(stem(file), file);
    if (!fresh)
      throw Error(file.string() + ": is the series of " + other->second.string() +
                      " too. Keep one of the two.",
                  Fault::data);
  }
  if (problem) throw Error(folder.string() + ": " + problem.message() + ".", Fault::data);
  return files;
}

}  // namespace hilum::data::prepare::luna16
