// SPDX-License-Identifier: Apache-2.0
// Two rows' figures on the patients that both have. No LibTorch.
#pragma once
#include <optional>
#include <vector>

#include "core/metrics/paired.hpp"
#include "core/report/table/figure.hpp"

namespace hilum::report {

struct Comparison {
  double difference = 0;  // of the figures on these patients, averaged over seeds; NaN: none
  std::optional<metrics::Interval> interval;  // 95 %, bootstrap over these patients
  std::optional<double> p;  // of Figure::test(), on scores averaged over seeds; DeLong: first seeds
};
/// One Figure a seed on both sides. DeLong takes the cases that both have, if they agree on what
/// is true.
Comparison compare(const std::vector<Figure>& ours, const std::vector<Figure>& others);

/// 95 % bootstrap over the patients; none for fewer than two of them, or where resamples hardly
/// ever define the figure.
std::optional<metrics::Interval> interval(const Figure& figure);

}  // namespace hilum::report
