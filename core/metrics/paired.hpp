// SPDX-License-Identifier: Apache-2.0
// Is one model better than another on the same patients? No LibTorch.
// All of these throw Error where the input cannot be compared: nothing in it, lengths that differ,
// a number that is not finite. NaN in an answer means that the data cannot tell.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace hilum::metrics {

struct Interval {
  double low = 0, high = 0;
};

/// Percentile interval of a statistic over resamples of `groups` (patients) with replacement: each
/// resample calls statistic(indices of the drawn groups, in the order drawn), as many indices as
/// there are groups, valid during the call. A statistic that is not defined on a resample (not
/// finite) is drawn again, at most ten times as often as resamples; where that is not enough, both
/// ends are NaN. One group gives an interval without width, which says nothing. The same seed draws
/// the same resamples on every machine. `level` in (0, 1). Throws what the statistic throws.
Interval bootstrap(size_t groups, const std::function<double(std::span<const size_t>)>& statistic,
                   int64_t resamples = 2000, double level = 0.95, uint64_t seed = 0);

/// Two-sided p of Wilcoxon's signed-rank test of paired differences; zeros are dropped
/// (scipy.stats.wilcoxon, zero_method "wilcox"). Exact for up to 50 differences without ties or
/// zeros, and for up to 13 that are not 0 whatever their ties, where the normal approximation is
/// too sure of itself; else that approximation, with tie correction and without continuity
/// correction. All zero: 1.
double wilcoxon(std::span<const double> differences);

/// Two-sided p of the sign-flip permutation test of the mean of paired differences: exact for up to
/// 16 that are not 0, else by `resamples` random flips, (count + 1) / (resamples + 1). All zero: 1.
double permutation(std::span<const double> differences, int64_t resamples = 10000,
                   uint64_t seed = 0);

/// Holm's step-down adjustment of p values in [0, 1], in the order given; NaN stays and does not
/// count. Of nothing: nothing.
std::vector<double> holm(std::span<const double> p);

/// Two correlated AUCs on the same cases (DeLong, DeLong and Clarke-Pearson 1988; midranks as in
/// Sun and Xu 2014). `truth` is 0 or 1; throws without cases of both classes. The cases are taken
/// as independent: where patients have several each, a bootstrap over patients is the safer answer.
struct Delong {
  double auc_a = 0, auc_b = 0;
  double variance = 0;  // of auc_a - auc_b; NaN where a class has a single case
  double p = 1;         // two-sided; 1 where the variance is 0, NaN where it is NaN
};
Delong delong(std::span<const double> a, std::span<const double> b, std::span<const double> truth);

}  // namespace hilum::metrics
