// SPDX-License-Identifier: Apache-2.0
// One figure of a table as a function of the patients that are drawn. No LibTorch.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hilum/names.hpp"

namespace hilum::report {

/// What the cases are: the scores of a mask, or what a head said and what is true.
enum class Kind { mask, binary, ordinal, regression };
/// How two models' figures are compared on the same patients.
enum class Test { none, wilcoxon, permutation, delong };

struct FigureCase {
  std::string patient, nodule;
  std::optional<int64_t> slice;
  double value = 0;  // a mask's score, or what the head predicted
  double truth = 0;  // not of masks
};
struct Rule {
  Kind kind = Kind::mask;
  std::string metric;       // "dice", "auc": the last name of HEAD.METRIC
  bool by_patient = false;  // masks: the mean of each patient's mean
  double threshold = 0.5;   // binary: positive above it
};

/// One seed's cases. Definitions: docs/metrics.md; heads' figures come from
/// metrics/classification.hpp.
class Figure {
 public:
  /// Cases for which the metric says nothing (a negative one for sensitivity) are left out.
  Figure(Rule rule, std::vector<FigureCase> cases);
  /// In alphabetical order; over() and scores() name them by their position here.
  const Strings& patients() const { return patients_; }
  /// By patient, nodule and slice.
  const std::vector<FigureCase>& cases() const { return cases_; }
  /// NaN where the cases do not define it.
  double value() const;
  /// The figure of the cases of these patients, one drawn twice counted twice.
  double over(std::span<const size_t> patients) const;
  /// A score of each of these patients, for a paired test: the mean of its cases; of balanced
  /// accuracy its share in the figure, so that the mean of the scores is the figure. NaN: none.
  std::vector<double> scores(std::span<const size_t> patients) const;
  Test test() const;

 private:
  bool is_mean() const;
  double of_cases(std::span<const size_t> patients) const;
  std::vector<double> balanced(std::span<const size_t> patients) const;

  Rule rule_;
  std::vector<FigureCase> cases_;
  Strings patients_;
  std::vector<size_t> first_;  // of each patient in cases_, and the end
  std::vector<double> sums_;   // of each patient, where the figure is a mean over cases
  std::vector<size_t> all_;    // 0, 1, ...
};

}  // namespace hilum::report
