// SPDX-License-Identifier: Apache-2.0
#include "core/metrics/classification.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "core/metrics/statistics.hpp"
#include "hilum/error.hpp"

namespace hilum::metrics {
namespace {

struct Known {
  std::vector<double> predicted, truth;
  int64_t unknown = 0;
  size_t size() const { return truth.size(); }
};

Known known_cases(std::span<const double> predicted, std::span<const double> truth) {
  if (predicted.size() != truth.size())
    throw Error(
        fmt::format("metrics: {} predictions for {} truths.", predicted.size(), truth.size()));
  Known known;
  for (size_t i = 0; i < truth.size(); ++i) {
    if (!std::isfinite(predicted[i]))
      throw Error(
          fmt::format("metrics: prediction {} of {} is '{}', allowed are finite numbers. "
                      "Look for the step where the training diverged.",
                      i, predicted.size(), predicted[i]));
    if (std::isinf(truth[i]))
      throw Error(fmt::format("metrics: truth {} is '{}', allowed are finite numbers or empty "
                              "(unknown).",
                              i, truth[i]),
                  Fault::data);
    if (std::isnan(truth[i])) {
      ++known.unknown;
      continue;
    }
    known.predicted.push_back(predicted[i]);
    known.truth.push_back(truth[i]);
  }
  return known;
}

void add_counts(const Known& known, Scores& scores) {
  scores.add("cases", static_cast<double>(known.size()));
  scores.add("unknown", static_cast<double>(known.unknown));
}

/// Every name undefined for want of cases; false where there are some.
bool nothing_known(const Known& known, std::initializer_list<const char*> names, Scores& scores) {
  if (known.size() > 0) return false;
  for (const char* name : names) scores.leave_out(name, "no case with a known truth");
  return true;
}

double share(int64_t part, int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

/// What needs cases of class 1, of class 0 or of both.
void add_by_class(const Known& known, const int64_t (&hits)[2], const int64_t (&of_class)[2],
                  Scores& scores) {
  const std::string missing = of_class[0] ? "no case of class 1" : "no case of class 0";
  const auto add_if = [&](bool defined, const char* name, auto value) {
    defined ? scores.add(name, value()) : scores.leave_out(name, missing);
  };
  const bool both = of_class[0] && of_class[1];
  const auto sensitivity = [&] { return share(hits[1], of_class[1]); };
  const auto specificity = [&] { return share(hits[0], of_class[0]); };
  add_if(both, "balanced_accuracy", [&] { return (sensitivity() + specificity()) / 2; });
  add_if(of_class[1] > 0, "sensitivity", sensitivity);
  add_if(of_class[0] > 0, "specificity", specificity);
  add_if(both, "auc", [&] { return auc(known.predicted, known.truth); });
}

}  // namespace

double auc(std::span<const double> score, std::span<const double> truth) {
  std::vector<size_t> order(score.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return score[i]; });
  double rank_sum = 0, positives = 0;
  for (size_t first = 0; first < order.size();) {
    size_t last = first;
    while (last < order.size() && score[order[last]] == score[order[first]]) ++last;
    const double rank = 0.5 * static_cast<double>(first + 1 + last);  // the mean rank of a tie
    for (; first < last; ++first)
      if (truth[order[first]] != 0) rank_sum += rank, ++positives;
  }
  const double negatives = static_cast<double>(score.size()) - positives;
  return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives);
}

Scores binary(std::span<const double> probability, std::span<const double> truth,
              double threshold) {
  const Known known = known_cases(probability, truth);
  int64_t hits[2] = {}, of_class[2] = {};
  for (size_t i = 0; i < known.size(); ++i) {
    const double t = known.truth[i];
    if (t != 0 && t != 1)
      throw Error(fmt::format("metrics: a binary truth is {}, allowed 0, 1 or empty (unknown).", t),
                  Fault::data);
    const bool positive = t == 1;
    ++of_class[positive];
    hits[positive] += (known.predicted[i] > threshold) == positive;
  }
  Scores scores;
  if (!nothing_known(known, {"accuracy", "balanced_accuracy", "sensitivity", "specificity", "auc"},
                     scores)) {
    scores.add("accuracy", share(hits[0] + hits[1], of_class[0] + of_class[1]));
    add_by_class(known, hits, of_class, scores);
  }
  add_counts(known, scores);
  scores.add("positives", static_cast<double>(of_class[1]));
  return scores;
}

Scores ordinal(std::span<const double> predicted, std::span<const double> truth) {
  const Known known = known_cases(predicted, truth);
  int64_t equal = 0, near = 0;
  double error = 0;
  for (size_t i = 0; i < known.size(); ++i) {
    const double off =
        std::abs(std::nearbyint(known.predicted[i]) - std::nearbyint(known.truth[i]));
    equal += off == 0;
    near += off <= 1;
    error += off;
  }
  Scores scores;
  if (!nothing_known(known, {"accuracy", "within_one", "mae"}, scores)) {
    const auto n = static_cast<int64_t>(known.size());
    scores.add("accuracy", share(equal, n));
    scores.add("within_one", share(near, n));
    scores.add("mae", error / static_cast<double>(n));
  }
  add_counts(known, scores);
  return scores;
}

Scores regression(std::span<const double> predicted, std::span<const double> truth) {
  const Known known = known_cases(predicted, truth);
  Scores scores;
  if (!nothing_known(known, {"mae", "rmse", "pearson"}, scores)) {
    const double mean_p = mean(known.predicted), mean_t = mean(known.truth);
    const auto n = static_cast<double>(known.size());
    double absolute = 0, square = 0, pp = 0, tt = 0, pt = 0;
    for (size_t i = 0; i < known.size(); ++i) {
      const double error = known.predicted[i] - known.truth[i];
      const double p = known.predicted[i] - mean_p, t = known.truth[i] - mean_t;
      absolute += std::abs(error), square += error * error;
      pp += p * p, tt += t * t, pt += p * t;
    }
    scores.add("mae", absolute / n);
    scores.add("rmse", std::sqrt(square / n));
    // Asked of the values, not of the sums: equal values leave a rest of rounding in pp and tt.
    const auto constant = [](const std::vector<double>& v) {
      return std::ranges::adjacent_find(v, std::not_equal_to{}) == v.end();
    };
    if (known.size() < 2)
      scores.leave_out("pearson", "fewer than two cases");
    else if (constant(known.truth) || constant(known.predicted))
      scores.leave_out("pearson", constant(known.truth) ? "the truths are all equal"
                                                        : "the predictions are all equal");
    else
      scores.add("pearson", std::clamp(pt / std::sqrt(pp * tt), -1.0, 1.0));
  }
  add_counts(known, scores);
  return scores;
}

}  // namespace hilum::metrics
