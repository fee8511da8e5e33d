// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>

namespace hilum::data {

/// Centre crop or pad of one axis from `size` to `roi` voxels: (roi - size) / 2 before when
/// padding, from (size - roi) / 2 on when cropping, both rounded down.
struct Fit {
  int64_t source, target, count;  // `count` voxels from `source` stand at `target` of the roi
  Fit(int64_t size, int64_t roi)
      : source(std::max<int64_t>(size - roi, 0) / 2),
        target(std::max<int64_t>(roi - size, 0) / 2),
        count(std::min(size, roi)) {}
};
using Fits = std::array<Fit, 3>;  // D, H, W

inline Fits fits(const std::array<int64_t, 3>& size, const std::array<int64_t, 3>& roi) {
  return {Fit(size[0], roi[0]), Fit(size[1], roi[1]), Fit(size[2], roi[2])};
}

/// Calls row(index of the row's first voxel in the region, in the roi, voxels) for every shared
/// row.
template <class Row>
void each_row(const Fits& f, const std::array<int64_t, 3>& size, const std::array<int64_t, 3>& roi,
              Row row) {
  for (int64_t z = 0; z < f[0].count; ++z)
    for (int64_t y = 0; y < f[1].count; ++y)
      row(((f[0].source + z) * size[1] + f[1].source + y) * size[2] + f[2].source,
          ((f[0].target + z) * roi[1] + f[1].target + y) * roi[2] + f[2].target, f[2].count);
}

}  // namespace hilum::data
