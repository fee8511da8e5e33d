// SPDX-License-Identifier: Apache-2.0
#include "core/data/prepare/table.hpp"

#include <cmath>
#include <limits>

namespace hilum::data::prepare {
namespace fs = std::filesystem;

void refuse(const Csv& csv, const Csv::Row& row, size_t column, const std::string& why) {
  throw Error(csv.where(row) + "column '" + csv.columns[column] + "': value '" + row.cells[column] +
                  "': " + why,
              Fault::data);
}

const std::string& need_text(const Csv& csv, const Csv::Row& row, size_t column) {
  if (row.cells[column].empty())
    throw Error(csv.where(row) + "column '" + csv.columns[column] + "' is empty.", Fault::data);
  return row.cells[column];
}

double need_number(const Csv& csv, const Csv::Row& row, size_t column) {
  const auto value = to_number(need_text(csv, row, column));
  if (!value) refuse(csv, row, column, "is no number.");
  if (!std::isfinite(*value)) refuse(csv, row, column, "is not finite.");
  return *value;
}

double number_or_unknown(const Csv& csv, const Csv::Row& row, size_t column) {
  if (row.cells[column].empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto value = to_number(row.cells[column]);
  if (!value) refuse(csv, row, column, "is no number. Leave the cell empty where it is unknown.");
  if (!std::isfinite(*value))
    refuse(csv, row, column, "is not finite. Leave the cell empty where it is unknown.");
  return *value;
}

fs::path need_path(const Csv& csv, const Csv::Row& row, size_t column, const fs::path& root) {
  const fs::path base = fs::absolute(root).lexically_normal();
  const fs::path file = (base / need_text(csv, row, column)).lexically_normal();
  const fs::path below = file.lexically_relative(base);
  if (below.empty() || below == "." || *below.begin() == "..")
    refuse(csv, row, column, "lies outside of " + root.string() + ". Give the common folder.");
  return below;
}

std::string stem(const fs::path& file) {
  const std::string name = file.filename().string();
  if (name.ends_with(".nii.gz")) return name.substr(0, name.size() - 7);
  return file.stem().string();
}

}  // namespace hilum::data::prepare
