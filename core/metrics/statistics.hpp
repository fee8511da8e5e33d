// SPDX-License-Identifier: Apache-2.0
// Numbers of a sample. None of these may be asked of an empty one.
#pragma once
#include <vector>

namespace hilum::metrics {

double mean(const std::vector<double>& values);
/// The sample standard deviation (n - 1). Needs two values.
double deviation(const std::vector<double>& values);
/// Linear interpolation between the two nearest ranks, numpy's default. q in [0, 100].
double percentile(std::vector<double> values, double q);

}  // namespace hilum::metrics
