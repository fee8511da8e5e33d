// SPDX-License-Identifier: Apache-2.0
#include "core/metrics/box.hpp"

#include <algorithm>
#include <cstring>

namespace hilum::metrics {
namespace {

/// First and one past the last foreground voxel along D, H, W.
struct Bounds {
  std::array<int64_t, 3> low, high{};
};

/// Eight voxels at a time: most rows of a region are background.
bool any(const uint8_t* row, int64_t n) {
  uint64_t found = 0;
  int64_t x = 0;
  for (; x + 8 <= n; x += 8) {
    uint64_t word;
    std::memcpy(&word, row + x, 8);
    found |= word;
  }
  for (; x < n; ++x) found |= row[x];
  return found != 0;
}

void widen(Bounds& bounds, const MaskView& mask, const std::array<int64_t, 3>& size) {
  const auto [depth, height, width] = size;
  for (int64_t z = 0; z < depth; ++z)
    for (int64_t y = 0; y < height; ++y) {
      const uint8_t* row = mask.voxels.data() + (z * height + y) * width;
      if (!any(row, width)) continue;
      int64_t first = 0, last = width;
      while (!row[first]) ++first;
      while (!row[last - 1]) --last;
      bounds.low = {std::min(bounds.low[0], z), std::min(bounds.low[1], y),
                    std::min(bounds.low[2], first)};
      bounds.high = {std::max(bounds.high[0], z + 1), std::max(bounds.high[1], y + 1),
                     std::max(bounds.high[2], last)};
    }
}

/// Copies `bounds` of the mask into the box's inside; returns the foreground voxels.
int64_t copy(const MaskView& mask, const std::array<int64_t, 3>& size, const Bounds& bounds,
             const Grid& grid, int64_t rim, std::vector<uint8_t>& out) {
  out.assign(static_cast<size_t>(grid.voxels()), 0);
  int64_t count = 0;
  for (int64_t z = bounds.low[0]; z < bounds.high[0]; ++z)
    for (int64_t y = bounds.low[1]; y < bounds.high[1]; ++y) {
      const uint8_t* from = mask.voxels.data() + (z * size[1] + y) * size[2] + bounds.low[2];
      uint8_t* to =
          out.data() + 1 +
          ((z - bounds.low[0] + rim) * grid.size[1] + y - bounds.low[1] + 1) * grid.size[2];
      const int64_t n = bounds.high[2] - bounds.low[2];
      for (int64_t x = 0; x < n; ++x) to[x] = from[x] != 0;
      for (int64_t x = 0; x < n; ++x) count += to[x];
    }
  return count;
}

}  // namespace

Box crop(const MaskView& pred, const MaskView& truth) {
  Box box;
  box.axes = static_cast<int>(pred.size.size());
  const int64_t rim = box.axes == 3;
  std::array<int64_t, 3> size{1, 1, 1};
  std::copy_backward(pred.size.begin(), pred.size.end(), size.end());
  std::copy_backward(pred.spacing.begin(), pred.spacing.end(), box.grid.spacing.end());

  Bounds bounds{size};
  widen(bounds, pred, size);
  widen(bounds, truth, size);
  if (bounds.high[0] == 0) {
    box.grid.size = {0, 0, 0};
    return box;
  }
  for (int a = 0; a < 3; ++a)
    box.grid.size[a] = bounds.high[a] - bounds.low[a] + 2 * (a == 0 ? rim : 1);
  box.pred_count = copy(pred, size, bounds, box.grid, rim, box.pred);
  box.truth_count = copy(truth, size, bounds, box.grid, rim, box.truth);
  for (size_t i = 0; i < box.pred.size(); ++i) box.both_count += box.pred[i] & box.truth[i];
  return box;
}

std::vector<uint8_t> surface(const Box& box, const std::vector<uint8_t>& mask) {
  const auto [depth, height, width] = box.grid.size;
  const int64_t rim = box.axes == 3, area = height * width;
  std::vector<uint8_t> out(mask.size(), 0);
  for (int64_t z = rim; z < depth - rim; ++z)
    for (int64_t y = 1; y < height - 1; ++y) {
      const uint8_t* m = mask.data() + z * area + y * width;
      uint8_t* o = out.data() + z * area + y * width;
      if (box.axes == 3)
        for (int64_t x = 1; x < width - 1; ++x)
          o[x] = m[x] &
                 ~(m[x - 1] & m[x + 1] & m[x - width] & m[x + width] & m[x - area] & m[x + area]);
      else
        for (int64_t x = 1; x < width - 1; ++x)
          o[x] = m[x] & ~(m[x - 1] & m[x + 1] & m[x - width] & m[x + width]);
    }
  return out;
}

}  // namespace hilum::metrics
