// SPDX-License-Identifier: Apache-2.0
#include "core/data/csv.hpp"

#include <algorithm>
#include <charconv>

#include "core/util/files.hpp"

namespace hilum::data {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Walks over the text once; a quoted cell may hold commas, line ends and doubled quotes.
class Scanner {
 public:
  Scanner(const std::filesystem::path& file, std::string_view text) : file_(file), text_(text) {}

  bool row(Csv::Row& row) {
    while (at_ < text_.size()) {
      row = {line_, {}};
      while (cell(row)) {
      }
      const bool blank = row.cells.size() == 1 && row.cells[0].empty();
      if (!blank) return true;
    }
    return false;
  }

 private:
  // Appends one cell; true where another follows in the same row.
  bool cell(Csv::Row& row) {
    std::string value;
    bool quoted = false;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"' && !quoted && trimmed(value).empty()) {
        value = quoted_text();
        quoted = true;
      } else if (c == ',' || c == '\n' || c == '\r') {
        if (c == '\r' && at_ < text_.size() && text_[at_] == '\n') ++at_;
        if (c != ',') ++line_;
        row.cells.emplace_back(quoted ? value : trimmed(value));
        return c == ',';
      } else if (!quoted) {
        value += c;
      } else if (c != ' ' && c != '\t') {
        fail("text after a closing quote; a quote inside a quoted cell is written twice.");
      }
    }
    row.cells.emplace_back(quoted ? value : trimmed(value));
    return false;
  }

  std::string quoted_text() {
    std::string value;
    const int64_t opened = line_;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] != '"') {
        value += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        value += text_[at_++];
      } else {
        ++at_;
        return value;
      }
    }
    line_ = opened;
    fail("a quote is opened and never closed.");
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(file_.string() + ":" + std::to_string(line_) + ": " + what, Fault::data);
  }

  const std::filesystem::path& file_;
  std::string_view text_;
  size_t at_ = 0;
  int64_t line_ = 1;
};

void check_heading(const Csv& csv) {
  for (size_t i = 0; i < csv.columns.size(); ++i) {
    const auto& name = csv.columns[i];
    if (name.empty())
      throw Error(csv.file.string() + ":1: column " + std::to_string(i + 1) + " has no name.",
                  Fault::data);
    if (std::count(csv.columns.begin(), csv.columns.end(), name) > 1)
      throw Error(csv.file.string() + ":1: column '" + name + "' stands there twice.", Fault::data);
  }
}

}  // namespace

Csv Csv::read(const std::filesystem::path& file) {
  try {
    return parse(file, util::read_file(file));
  } catch (const Error& error) {
    throw Error(error.what(), Fault::data);
  }
}

Csv Csv::parse(const std::filesystem::path& file, std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  Csv csv{file, {}, {}};
  Scanner scanner(file, text);
  Row row;
  if (!scanner.row(row)) throw Error(file.string() + ": is empty.", Fault::data);
  csv.columns = row.cells;
  check_heading(csv);
  while (scanner.row(row)) {
    if (row.cells.size() != csv.columns.size())
      throw Error(csv.where(row) + std::to_string(row.cells.size()) + " cells, the heading has " +
                      std::to_string(csv.columns.size()) + ".",
                  Fault::data);
    csv.rows.push_back(row);
  }
  return csv;
}

std::optional<size_t> Csv::find(std::string_view column) const {
  const auto at = std::find(columns.begin(), columns.end(), column);
  if (at == columns.end()) return std::nullopt;
  return static_cast<size_t>(at - columns.begin());
}

size_t Csv::need(std::string_view column) const {
  if (const auto at = find(column)) return *at;
  std::string hint = suggestion(column, columns);
  if (columns.size() == 1 && columns[0].find_first_of(";\t") != std::string::npos)
    hint = " Columns are separated by commas.";
  throw Error(file.string() + ":1: no column '" + std::string(column) + "'." + hint, Fault::data);
}

std::string Csv::where(const Row& row) const {
  return file.string() + ":" + std::to_string(row.line) + ": ";
}

std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == text.npos && trimmed(text) == text) return std::string(text);
  std::string cell = "\"";
  for (const char c : text) cell += c == '"' ? "\"\"" : std::string(1, c);
  return cell + "\"";
}

std::optional<double> to_number(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace hilum::data
