// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/report/runs/compare.hpp"
#include "core/util/text.hpp"
#include "hilum/error.hpp"

namespace hilum::report {
namespace {
using Json = nlohmann::ordered_json;

constexpr size_t kLongest = 60;  // of a value on a terminal

std::string cut(const std::string& value) {
  if (value.size() <= kLongest) return value;
  return value.substr(0, kLongest - 3) + "...";
}

struct Part {
  const char* title;
  const std::vector<Differing>& items;
};
std::vector<Part> parts(const RunComparison& c) {
  return {{"Options that differ", c.options},
          {"Plugins that differ", c.plugins},
          {"Circumstances that differ", c.circumstances}};
}

Strings short_labels(const RunComparison& c) {
  Strings labels;
  for (const auto& run : c.runs) labels.push_back(run.short_id);
  return labels;
}

std::string text_of(const Part& part, const RunComparison& c) {
  if (part.items.empty()) return "";
  std::vector<Strings> rows{{""}};
  for (const auto& label : short_labels(c)) rows[0].push_back(label);
  for (const auto& item : part.items) {
    rows.push_back({item.key});
    for (const auto& value : item.values) rows.back().push_back(value.empty() ? "-" : cut(value));
  }
  return fmt::format("{}\n{}\n", part.title, util::table(rows));
}

std::string md_of(const Part& part, const RunComparison& c) {
  if (part.items.empty()) return "";
  std::string text = fmt::format("### {}\n\n| |", part.title), rule = "| --- |";
  for (const auto& label : short_labels(c)) text += " " + label + " |", rule += " --- |";
  text += "\n" + rule + "\n";
  for (const auto& item : part.items) {
    text += "| " + item.key + " |";
    for (const auto& value : item.values) text += value.empty() ? " |" : " `" + value + "` |";
    text += "\n";
  }
  return text + "\n";
}

Json json_of(const std::vector<Differing>& items) {
  Json json = Json::object();
  for (const auto& item : items) json[item.key] = item.values;
  return json;
}

std::string json_of(const RunComparison& c) {
  static constexpr const char* kKinds[] = {"better", "worse", "noise", "unknown"};
  Json json{{"runs", Json::array()}};
  for (const auto& run : c.runs) json["runs"].push_back({{"id", run.id}, {"name", run.name}});
  json["options"] = json_of(c.options);
  json["plugins"] = json_of(c.plugins);
  json["circumstances"] = json_of(c.circumstances);
  json["metrics"] = Json::array();
  for (size_t r = 0; r < c.rows.size(); ++r)
    for (size_t m = 0; m < c.table.columns.size(); ++m) {
      const Cell& cell = c.figures.cells[r][m];
      const auto number = [](std::optional<double> v) { return v ? Json(*v) : Json(); };
      json["metrics"].push_back({{"run", c.runs[r].id},
                                 {"metric", c.table.columns[m].id},
                                 {"value", number(cell.value)},
                                 {"low", number(cell.low)},
                                 {"high", number(cell.high)},
                                 {"difference", number(cell.difference)},
                                 {"difference_low", number(cell.difference_low)},
                                 {"difference_high", number(cell.difference_high)},
                                 {"p", number(cell.p)}});
    }
  json["verdicts"] = Json::array();
  for (const auto& v : c.verdicts)
    json["verdicts"].push_back({{"run", v.run},
                                {"metric", v.metric},
                                {"verdict", kKinds[static_cast<size_t>(v.kind)]},
                                {"text", v.text}});
  return json.dump(2) + "\n";
}

}  // namespace

std::string print(const RunComparison& c, Format format) {
  if (format == Format::json) return json_of(c);
  const bool md = format == Format::md;
  if (!md && format != Format::text && !c.table.columns.empty())
    return print(c.table, c.figures, c.rows, {}, format);
  std::string text;
  for (const auto& part : parts(c)) text += md ? md_of(part, c) : text_of(part, c);
  if (c.options.empty() && c.plugins.empty())
    text += "Options and plugins are the same in all of them.\n\n";
  if (c.table.columns.empty()) return text;
  text += print(c.table, c.figures, c.rows, {}, format);
  text += md ? "\n### Answer\n\n" : "\nAnswer\n";
  for (const auto& v : c.verdicts) text += (md ? "- " : "  ") + v.text + "\n";
  return text;
}

}  // namespace hilum::report
