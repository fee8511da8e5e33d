// SPDX-License-Identifier: Apache-2.0
#include "core/runs/again/compare_figures.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <tuple>

namespace hilum::runs {
namespace {

using Case = std::tuple<std::string, std::string, std::optional<int64_t>, std::string>;
using Cases = std::map<Case, double>;

bool same_bits(double a, double b) {  // the store keeps one NaN only
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

std::vector<std::pair<std::string, double>> metrics_of(const Reader& reader, const std::string& run,
                                                       const std::string& split) {
  std::vector<std::pair<std::string, double>> found;
  for (const auto& [name, value] : reader.show(run).metrics)
    if (name.starts_with(split + ".")) found.emplace_back(name.substr(split.size() + 1), value);
  return found;
}

Cases cases_of(const Reader& reader, const std::string& run, const std::string& split) {
  Cases found;
  for (const auto& c : reader.cases(run, split))
    found[{c.patient, c.nodule, c.slice, c.name}] = c.value;
  return found;
}

void compare_cases(Cases first, const Cases& second, FigureComparison& result) {
  result.cases = first.size();
  for (const auto& [key, value] : second) {
    const auto other = first.find(key);
    if (other == first.end()) ++result.cases;
    if (other == first.end() || !same_bits(other->second, value)) ++result.unequal_cases;
    if (other != first.end()) first.erase(other);
  }
  result.unequal_cases += first.size();
}

}  // namespace

bool FigureComparison::equal() const {
  return unequal_cases == 0 &&
         std::all_of(metrics.begin(), metrics.end(), [](const FigurePair& p) { return p.equal; });
}

FigureComparison compare_figures(const Reader& reader, const std::string& first,
                                 const std::string& second, const std::string& split) {
  FigureComparison result;
  auto rest = metrics_of(reader, second, split);
  for (const auto& [name, value] : metrics_of(reader, first, split)) {
    FigurePair pair{name, value, {}, false};
    const auto other = std::find_if(rest.begin(), rest.end(),
                                    [&, &name = name](const auto& m) { return m.first == name; });
    if (other != rest.end()) {
      pair.second = other->second, pair.equal = same_bits(value, other->second);
      rest.erase(other);
    }
    result.metrics.push_back(std::move(pair));
  }
  for (const auto& [name, value] : rest) result.metrics.push_back({name, {}, value, false});
  compare_cases(cases_of(reader, first, split), cases_of(reader, second, split), result);
  return result;
}

}  // namespace hilum::runs
