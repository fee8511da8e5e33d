// SPDX-License-Identifier: Apache-2.0
#include "core/runs/print/print_parts.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/runs/print/print_json.hpp"

namespace hilum::runs {

std::string exact(double value) { return std::isnan(value) ? "" : fmt::format("{}", value); }

std::string main_metric(const Metrics& metrics) {
  for (const char* split : {"test.", "val.", "train."}) {
    const std::pair<std::string, double>* first = nullptr;
    for (const auto& metric : metrics) {
      if (!metric.first.starts_with(split)) continue;
      if (metric.first.ends_with(".dice")) return metric.first + " " + shown(metric.second);
      if (first == nullptr) first = &metric;
    }
    if (first != nullptr) return first->first + " " + shown(first->second);
  }
  return "";
}

std::string csv_line(const std::vector<std::string>& cells) {
  std::string text;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) text += ',';
    if (cells[i].find_first_of(",\"\r\n") == std::string::npos) {
      text += cells[i];
      continue;
    }
    text += '"';
    for (const char c : cells[i]) text += c == '"' ? std::string("\"\"") : std::string(1, c);
    text += '"';
  }
  return text + '\n';
}

std::string csv(const Rows& rows) {
  std::string text;
  for (const auto& row : rows) text += csv_line(row);
  return text;
}

std::string markdown(const Rows& rows) {
  std::string text;
  for (size_t r = 0; r < rows.size(); ++r) {
    text += "|";
    for (const auto& cell : rows[r]) {
      text += ' ';
      for (const char c : cell)
        text += c == '|' ? "\\|" : c == '\n' || c == '\r' ? " " : std::string(1, c);
      text += " |";
    }
    text += '\n';
    if (r > 0) continue;
    text += "|";
    for (size_t i = 0; i < rows[0].size(); ++i) text += " --- |";
    text += '\n';
  }
  return text;
}

std::string dump(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json optional_text(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json value_json(const Cell& cell) {
  if (!cell.text) return nullptr;
  if (!cell.number) return *cell.text;
  Json number = Json::parse(*cell.text, nullptr, false);
  return number.is_discarded() ? Json() : number;
}

}  // namespace hilum::runs
