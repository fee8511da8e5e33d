// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "core/metrics/paired.hpp"
#include "core/metrics/statistics.hpp"
#include "hilum/error.hpp"

namespace hilum::metrics {
namespace {

using Values = std::vector<double>;

Values doubled_midranks(const Values& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return values[i]; });
  Values ranks(values.size());
  for (size_t first = 0; first < order.size();) {
    size_t last = first;
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    const auto rank = static_cast<double>(first + 1 + last);
    for (; first < last; ++first) ranks[order[first]] = rank;
  }
  return ranks;
}

/// By class of the case: how many cases of the other class it ranks above, a tie for half, doubled.
/// Whole numbers, so that models which rank alike differ by exactly 0.
std::array<Values, 2> doubled_wins(std::span<const double> scores, std::span<const double> truth) {
  std::array<Values, 2> of_class, wins;
  for (size_t i = 0; i < truth.size(); ++i) of_class[truth[i] == 1].push_back(scores[i]);
  Values all = of_class[0];
  all.insert(all.end(), of_class[1].begin(), of_class[1].end());
  const Values ranks = doubled_midranks(all);
  const size_t negatives = of_class[0].size();
  for (const size_t c : {0, 1}) {
    wins[c] = doubled_midranks(of_class[c]);
    for (size_t i = 0; i < wins[c].size(); ++i) wins[c][i] = ranks[c * negatives + i] - wins[c][i];
  }
  return wins;
}

void check_scores(std::span<const double> scores, const char* model) {
  for (size_t i = 0; i < scores.size(); ++i)
    if (!std::isfinite(scores[i]))
      throw Error(
          fmt::format("delong: score {} of {} of model {} is '{}', allowed are finite "
                      "numbers.",
                      i, scores.size(), model, scores[i]));
}

void check_truth(std::span<const double> truth) {
  std::array<bool, 2> seen{};
  for (size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] != 0 && truth[i] != 1)
      throw Error(fmt::format("delong: truth {} of {} is '{}', allowed 0 or 1.", i, truth.size(),
                              truth[i]));
    seen[truth[i] == 1] = true;
  }
  for (const size_t c : {0, 1})
    if (!seen[c])
      throw Error(fmt::format("delong: no case of class {} among {}, both classes are needed.", c,
                              truth.size()));
}

}  // namespace

Delong delong(std::span<const double> a, std::span<const double> b, std::span<const double> truth) {
  if (a.size() != truth.size() || b.size() != truth.size())
    throw Error(fmt::format("delong: {} and {} scores for {} truths, as many are needed.", a.size(),
                            b.size(), truth.size()));
  check_scores(a, "a");
  check_scores(b, "b");
  check_truth(truth);
  const auto wins_a = doubled_wins(a, truth), wins_b = doubled_wins(b, truth);
  const std::array cases{static_cast<double>(wins_a[0].size()),
                         static_cast<double>(wins_a[1].size())};
  Delong result;
  result.auc_a = mean(wins_a[1]) / (2 * cases[0]);
  result.auc_b = mean(wins_b[1]) / (2 * cases[0]);
  // The variance of the difference is that of the cases' differences: no covariance to subtract.
  for (const size_t c : {0, 1}) {
    Values gain(wins_a[c].size());
    std::ranges::transform(wins_a[c], wins_b[c], gain.begin(), std::minus{});
    const double sd = gain.size() > 1 ? deviation(gain) / (2 * cases[1 - c])
                                      : std::numeric_limits<double>::quiet_NaN();
    result.variance += sd * sd / cases[c];
  }
  if (result.variance == 0) return result;
  result.p = std::erfc(std::abs(result.auc_a - result.auc_b) / std::sqrt(result.variance) /
                       std::numbers::sqrt2);
  return result;
}

}  // namespace hilum::metrics
