// SPDX-License-Identifier: Apache-2.0
// Comma-separated files as people and spreadsheets write them. No LibTorch.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "hilum/names.hpp"

namespace hilum::data {

/// A table with a heading. Quotes, CRLF, a byte order mark and blank lines are understood.
struct Csv {
  struct Row {
    int64_t line = 0;  // 1 is the heading, for errors
    Strings cells;     // as many as columns, without blanks around them
  };
  std::filesystem::path file;
  Strings columns;
  std::vector<Row> rows;

  /// Throws Error (Fault::data): unreadable, no heading, a column named twice, a row of another
  /// length.
  static Csv read(const std::filesystem::path& file);
  static Csv parse(const std::filesystem::path& file, std::string_view text);
  std::optional<size_t> find(std::string_view column) const;
  /// Its index; throws Error (Fault::data) with the nearest name where there is no such column.
  size_t need(std::string_view column) const;
  /// "index.csv:12: "
  std::string where(const Row& row) const;
};

/// The text as a cell: quoted where it has to be.
std::string csv_cell(std::string_view text);
/// A whole cell as a number, whatever the locale.
std::optional<double> to_number(std::string_view text);

}  // namespace hilum::data
