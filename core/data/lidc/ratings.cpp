// SPDX-License-Identifier: Apache-2.0
#include "core/data/lidc/ratings.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace hilum::data::lidc {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// `sorted` is not empty.
double lowest_mode(const std::vector<double>& sorted) {
  double mode = sorted.front();
  int64_t most = 0, run = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    run = i > 0 && sorted[i] == sorted[i - 1] ? run + 1 : 1;
    if (run > most) most = run, mode = sorted[i];
  }
  return mode;
}

}  // namespace

const Strings& rating_names() {
  static const Strings names = {"subtlety",  "internal_structure", "calcification", "sphericity",
                                "margin",    "lobulation",         "spiculation",   "texture",
                                "malignancy"};
  return names;
}

Rating summarise(std::vector<double> values) {
  std::vector<double> sorted;
  for (double& value : values) {
    if (value == 0) value = kUnknown;
    if (!std::isnan(value)) sorted.push_back(value);
  }
  Rating out{std::move(values), kUnknown, kUnknown, kUnknown, kUnknown};
  if (sorted.empty()) return out;
  std::sort(sorted.begin(), sorted.end());
  const size_t n = sorted.size();
  out.mean = std::accumulate(sorted.begin(), sorted.end(), 0.0) / static_cast<double>(n);
  out.median = 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]);
  out.mode = lowest_mode(sorted);
  out.spread = sorted.back() - sorted.front();
  return out;
}

Strings rating_statistics() { return {"median", "mode", "spread", "readers"}; }

std::map<std::string, double> rating_columns(const std::vector<Reading>& readings,
                                             const Strings& statistics) {
  std::map<std::string, double> columns;
  for (const auto& name : rating_names()) {
    std::vector<double> values;
    for (const auto& reading : readings) {
      const auto found = reading.ratings.find(name);
      values.push_back(found == reading.ratings.end() ? kUnknown : found->second);
    }
    const Rating rating = summarise(std::move(values));
    columns[name] = rating.mean;
    for (const auto& statistic : statistics) {
      if (statistic == "median")
        columns[name + "_median"] = rating.median;
      else if (statistic == "mode")
        columns[name + "_mode"] = rating.mode;
      else if (statistic == "spread")
        columns[name + "_spread"] = rating.spread;
      else if (statistic == "readers")
        for (size_t i = 0; i < rating.values.size(); ++i)
          columns[name + "_reader" + std::to_string(i + 1)] = rating.values[i];
      else
        throw Error("ratings: value '" + statistic + "' is unknown." +
                        suggestion(statistic, rating_statistics()),
                    Fault::request);
    }
  }
  return columns;
}

}  // namespace hilum::data::lidc
