// SPDX-License-Identifier: Apache-2.0
#include "core/util/fit.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace hilum::util {
namespace {

using Rows = std::vector<std::vector<std::string>>;

constexpr size_t kBetween = 2;  // blanks between columns, as table() puts them
constexpr size_t kLeast = 8;    // a text that is cut further says nothing

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

size_t length(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), starts_character));
}

// 0.81, 3/3, 2026-11-22 01:13, 2026-11-22T00:13:05.123Z: what is wrong once it is cut.
bool is_figure(const std::string& text) {
  return text.find_first_not_of("0123456789+-.,:/% eTZ") == text.npos || text == "nan" ||
         text == "inf" || text == "-inf";
}

void cut(std::string& text, size_t most) {
  if (length(text) <= most) return;
  size_t end = 0;  // of the character whose place the ellipsis takes
  for (size_t seen = 0; !starts_character(text[end]) || ++seen < most; ++end) continue;
  text.resize(text.find_last_not_of(' ', end - 1) + 1);
  text += "…";
}

struct Column {
  size_t width = 0;
  bool fixed = true;
};

std::vector<Column> columns_of(const Rows& rows, const std::vector<std::string>& whole) {
  std::vector<Column> columns;
  for (size_t r = 0; r < rows.size(); ++r) {
    if (rows[r].size() > columns.size()) columns.resize(rows[r].size());
    for (size_t c = 0; c < rows[r].size(); ++c) {
      columns[c].width = std::max(columns[c].width, length(rows[r][c]));
      if (r > 0 && !is_figure(rows[r][c])) columns[c].fixed = false;
    }
  }
  for (size_t c = 0; c < columns.size() && c < rows[0].size(); ++c)
    if (std::find(whole.begin(), whole.end(), rows[0][c]) != whole.end()) columns[c].fixed = true;
  return columns;
}

size_t total(const std::vector<Column>& columns, size_t most) {
  size_t sum = kBetween * (columns.size() - 1);
  for (const auto& column : columns)
    sum += column.fixed ? column.width : std::min(column.width, most);
  return sum;
}

}  // namespace

size_t terminal_width() {
  if (isatty(STDOUT_FILENO) == 0) return 0;
  if (const char* set = std::getenv("COLUMNS"))
    if (const long columns = std::strtol(set, nullptr, 10); columns > 0)
      return static_cast<size_t>(columns);
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 0;
}

Rows fit(Rows rows, size_t width, const std::vector<std::string>& whole) {
  if (width == 0 || rows.empty()) return rows;
  for (auto& row : rows)
    for (auto& cell : row)
      std::replace_if(
          cell.begin(), cell.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; },
          ' ');
  const auto columns = columns_of(rows, whole);
  if (columns.empty()) return rows;
  size_t most = 0;  // the widest that a text may be
  for (const auto& column : columns) most = std::max(most, column.width);
  while (most > kLeast && total(columns, most) > width) --most;
  for (auto& row : rows)
    for (size_t c = 0; c < row.size(); ++c)
      if (!columns[c].fixed) cut(row[c], most);
  return rows;
}

}  // namespace hilum::util
