// SPDX-License-Identifier: Apache-2.0
#include "core/predict/measure.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace hilum::predict {
namespace {

// The first and last voxel of a slice's rows: the longest distance is between two of them.
std::vector<std::array<double, 2>> ends(std::span<const uint8_t> slice, const data::Geometry& g) {
  std::vector<std::array<double, 2>> points;
  const auto width = static_cast<size_t>(g.size[2]);
  for (size_t y = 0; y < static_cast<size_t>(g.size[1]); ++y) {
    const auto row = slice.subspan(y * width, width);
    const auto on = [](uint8_t v) { return v != 0; };
    const auto first = std::find_if(row.begin(), row.end(), on);
    if (first == row.end()) continue;
    const auto last = std::find_if(row.rbegin(), row.rend(), on);
    const double mm = static_cast<double>(y) * g.spacing[1];
    points.push_back({mm, static_cast<double>(first - row.begin()) * g.spacing[2]});
    points.push_back({mm, static_cast<double>(row.rend() - last - 1) * g.spacing[2]});
  }
  return points;
}

}  // namespace

Measures measure(std::span<const uint8_t> mask, const data::Geometry& g) {
  Measures m;
  const auto count = std::ranges::count_if(mask, [](uint8_t v) { return v != 0; });
  m.volume = static_cast<double>(count) * g.spacing[0] * g.spacing[1] * g.spacing[2];
  m.sphere = std::cbrt(6 * m.volume / std::numbers::pi);
  const auto area = static_cast<size_t>(g.size[1] * g.size[2]);
  for (size_t d = 0; d < static_cast<size_t>(g.size[0]); ++d) {
    const auto points = ends(mask.subspan(d * area, area), g);
    for (size_t i = 0; i < points.size(); ++i)
      for (size_t j = 0; j < i; ++j)
        m.axial =
            std::max(m.axial, std::hypot(points[i][0] - points[j][0], points[i][1] - points[j][1]));
  }
  return m;
}

}  // namespace hilum::predict
