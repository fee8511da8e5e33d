// SPDX-License-Identifier: Apache-2.0
#include "core/tables/sweep.hpp"

#include <fstream>
#include <map>
#include <sstream>

#include "core/util/sha256.hpp"
#include "hilum/error.hpp"

namespace hilum::tables {
namespace {

// Pieces between commas that stand in no bracket and no quote.
Strings split(const std::string& text) {
  Strings pieces{""};
  int depth = 0;
  char quote = 0;
  for (const char c : text) {
    if (quote)
      quote = c == quote ? 0 : quote;
    else if (c == '"' || c == '\'')
      quote = c;
    else if (c == '[' || c == '{')
      ++depth;
    else if (c == ']' || c == '}')
      --depth;
    if (c == ',' && depth == 0 && !quote)
      pieces.emplace_back();
    else
      pieces.back() += c;
  }
  return pieces;
}

}  // namespace

Strings values_of(const std::string& axis) {
  const size_t equals = axis.find('=');
  if (equals == std::string::npos) {
    if (axis.starts_with('~')) return {axis};
    throw Error("'" + axis +
                    "' is no override: a.b=v sets a key, a.b=v,w tries two values, +a.b=v adds "
                    "one, ~a.b deletes one.",
                Fault::request);
  }
  Strings values;
  for (const auto& value : split(axis.substr(equals + 1))) {
    if (value.find_first_not_of(' ') == std::string::npos)
      throw Error("'" + axis + "': a value is empty. Commas stand between values: a.b=1,2.",
                  Fault::request);
    values.push_back(axis.substr(0, equals + 1) + value);
  }
  return values;
}

std::vector<Strings> grid(const Strings& axes) {
  std::vector<Strings> points{{}};
  for (const auto& axis : axes) {
    std::vector<Strings> longer;
    for (const auto& point : points)
      for (const auto& value : values_of(axis)) {
        longer.push_back(point);
        longer.back().push_back(value);
      }
    points = std::move(longer);
  }
  return points;
}

std::vector<Strings> read_points(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) throw Error(file.string() + ": cannot be read.", Fault::request);
  std::vector<Strings> points;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    std::istringstream words(line.substr(0, line.find('#')));
    Strings point;
    for (std::string word; words >> word; point.push_back(word))
      if (word.find('=') == std::string::npos && !word.starts_with('~'))
        throw Error(file.string() + ":" + std::to_string(number) + ": '" + word +
                        "' is no override. A line is one point: a.b=v c.d=w.",
                    Fault::request);
    if (!point.empty()) points.push_back(std::move(point));
  }
  if (points.empty()) throw Error(file.string() + ": has no point.", Fault::request);
  return points;
}

report::TableFile sweep(const std::filesystem::path& experiment, const std::vector<Strings>& points,
                        const std::vector<int64_t>& folds, int64_t seeds) {
  report::TableFile table{.file = experiment,
                          .name = "sweep-" + experiment.stem().string(),
                          .title = "Sweep of " + experiment.filename().string()};
  std::map<std::string, size_t> seen;
  for (size_t i = 0; i < points.size(); ++i) {
    const std::string label = points[i].empty() ? "as it is" : join(points[i], " ");
    const auto [twin, is_new] = seen.try_emplace(label, i + 1);
    if (!is_new)
      throw Error("points " + std::to_string(twin->second) + " and " + std::to_string(i + 1) +
                      " are the same: " + label + ".",
                  Fault::request);
    for (const auto& text : points[i])
      if (text.starts_with("data.fold="))
        throw Error("'" + text + "': the folds of each point are --folds 0,1,2.", Fault::request);
    // By what it is and not by its place: the store knows it again when other points come before.
    table.rows.push_back({.id = "point-" + util::sha256(label).substr(0, 12),
                          .label = label,
                          .experiment = experiment,
                          .overrides = points[i]});
  }
  table.profiles.push_back({.name = "sweep", .folds = folds, .seeds = seeds});
  return table;
}

}  // namespace hilum::tables
