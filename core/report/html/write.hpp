// SPDX-License-Identifier: Apache-2.0
// Text, numbers and tables as HTML.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hilum::report::html {

/// Safe as text and inside a quoted attribute: & < > " '.
std::string escaped(std::string_view text);
/// So many digits behind the point; a dash for what is not there or not finite.
std::string shown(std::optional<double> value, int digits);
std::string base64(std::string_view bytes);

/// A table whose columns can be sorted by pointer and keyboard. The first cell of a row is its
/// heading.
class SortTable {
 public:
  struct Cell {
    std::string html;                // as it is written: escape it first
    std::optional<double> key = {};  // what a number is sorted by; none: the text
    const char* css = "";
  };
  /// Caption and headings are texts.
  SortTable(std::string caption, const std::vector<std::string>& headings);
  void row(const std::vector<Cell>& cells);
  size_t rows() const { return rows_; }
  std::string html() const;

  static Cell text(std::string_view text) { return {escaped(text)}; }
  static Cell number(std::optional<double> value, int digits, const char* css = "");

 private:
  std::string html_;
  size_t rows_ = 0;
};

}  // namespace hilum::report::html
