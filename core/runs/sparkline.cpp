// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "core/runs/print.hpp"

namespace hilum::runs {

std::string sparkline(const std::vector<double>& values, size_t width) {
  static constexpr std::array kBars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double low = INFINITY, high = -INFINITY;
  for (const double value : values)
    if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
  std::string text;
  const size_t count = std::min(values.size(), width);
  for (size_t i = 0; i < count; ++i) {  // of more values than fit, the last of each share
    const double value = values[(i + 1) * values.size() / count - 1];
    if (!std::isfinite(value)) {
      text += " ";
      continue;
    }
    const double height = high > low ? (value - low) / (high - low) : 0.5;
    text += kBars[std::min<size_t>(7, static_cast<size_t>(height * 8))];
  }
  return text;
}

}  // namespace hilum::runs
