// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "core/metrics/paired.hpp"
#include "core/metrics/statistics.hpp"
#include "core/util/random.hpp"
#include "hilum/error.hpp"

namespace hilum::metrics {
namespace {

void check_request(size_t groups, int64_t resamples, double level) {
  if (groups == 0) throw Error("bootstrap: 0 groups, at least one is needed.");
  if (groups > std::numeric_limits<uint32_t>::max())  // what Random::below can draw from
    throw Error(fmt::format("bootstrap: {} groups, allowed are fewer than 2^32.", groups));
  if (resamples < 1)
    throw Error(fmt::format("bootstrap: resamples is {}, allowed is 1 or more.", resamples));
  if (!(level > 0 && level < 1))
    throw Error(fmt::format("bootstrap: level is {}, allowed is between 0 and 1.", level));
}

}  // namespace

Interval bootstrap(size_t groups, const std::function<double(std::span<const size_t>)>& statistic,
                   int64_t resamples, double level, uint64_t seed) {
  check_request(groups, resamples, level);
  const auto wanted = static_cast<size_t>(resamples);
  std::vector<size_t> drawn(groups);
  std::vector<double> values;
  values.reserve(wanted);
  util::Random random({seed, groups});
  for (size_t draw = 0; draw < 10 * wanted && values.size() < wanted; ++draw) {
    for (size_t& group : drawn) group = random.below(groups);
    if (const double value = statistic(drawn); std::isfinite(value)) values.push_back(value);
  }
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (values.size() < wanted) return {kNone, kNone};
  const double tail = 50 * (1 - level);  // in percent
  return {percentile(values, tail), percentile(values, 100 - tail)};
}

}  // namespace hilum::metrics
