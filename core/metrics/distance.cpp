// SPDX-License-Identifier: Apache-2.0
// Squared distances, one axis after the other: Felzenszwalb & Huttenlocher, "Distance Transforms of
// Sampled Functions", Theory of Computing 8 (2012). Linear in the voxels of the box, and exact.
#include "core/metrics/distance.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hilum::metrics {
namespace {

constexpr double kFar = std::numeric_limits<double>::infinity();

/// The lower envelope of the parabolas s2 * (x - p)^2 + height[p], x and p in voxels along one
/// line.
class Envelope {
 public:
  explicit Envelope(size_t longest) : place_(longest), height_(longest), from_(longest) {}

  /// Places without a height (kFar) carry no parabola: an empty line stays empty.
  void build(const double* heights, int64_t n, int64_t stride, double s2) {
    s2_ = s2, count_ = 0, now_ = 0;
    for (int64_t q = 0; q < n; ++q) {
      const double h = heights[q * stride];
      if (h == kFar) continue;
      double start = -kFar;  // from where on the new parabola is the lowest
      while (count_ > 0) {
        const double p = place_[count_ - 1];
        start = 0.5 * ((q + p) + (h - height_[count_ - 1]) / (s2 * (q - p)));
        if (start > from_[count_ - 1]) break;
        --count_;
      }
      place_[count_] = static_cast<double>(q);
      height_[count_] = h;
      from_[count_] = count_ > 0 ? start : -kFar;
      ++count_;
    }
  }
  bool empty() const { return count_ == 0; }
  /// The least value at x. Calls after build() go from small x to large.
  double at(int64_t x) {
    while (now_ + 1 < count_ && from_[now_ + 1] < x) ++now_;
    const double d = x - place_[now_];
    return s2_ * d * d + height_[now_];
  }

 private:
  std::vector<double> place_, height_, from_;
  size_t count_ = 0, now_ = 0;
  double s2_ = 1;
};

/// Along W the heights are 0 or kFar, so two running counts do it. Returns whether the row has a
/// voxel.
bool sweep_row(const uint8_t* to, double* out, int64_t n, double spacing) {
  double steps = kFar;
  for (int64_t x = 0; x < n; ++x) out[x] = steps = to[x] ? 0 : steps + 1;
  if (steps == kFar) return false;
  steps = kFar;
  for (int64_t x = n - 1; x >= 0; --x) {
    steps = to[x] ? 0 : steps + 1;
    const double mm = std::min(out[x], steps) * spacing;
    out[x] = mm * mm;
  }
  return true;
}

/// Along H, in place, every column of one slice.
void sweep_columns(double* slice, int64_t height, int64_t width, double s2, Envelope& envelope) {
  for (int64_t x = 0; x < width; ++x) {
    envelope.build(slice + x, height, width, s2);
    for (int64_t y = 0; y < height; ++y) slice[y * width + x] = envelope.at(y);
  }
}

/// The last axis is evaluated only where somebody asks: on the surface, a small part of the box.
void ask(const double* line, const uint8_t* from, int64_t n, int64_t stride, double s2,
         Envelope& envelope, std::vector<double>& found) {
  bool built = false;
  for (int64_t x = 0; x < n; ++x) {
    if (!from[x * stride]) continue;
    if (!built) envelope.build(line, n, stride, s2), built = true;
    found.push_back(std::sqrt(envelope.at(x)));
  }
}

}  // namespace

std::vector<double> distances(const Grid& grid, std::span<const uint8_t> from,
                              std::span<const uint8_t> to) {
  const auto [depth, height, width] = grid.size;
  const int64_t area = height * width;
  const double h2 = grid.spacing[1] * grid.spacing[1], d2 = grid.spacing[0] * grid.spacing[0];
  std::vector<double> squared(static_cast<size_t>(grid.voxels()));
  Envelope envelope(static_cast<size_t>(std::max(depth, height)));
  for (int64_t z = 0; z < depth; ++z) {
    bool any = false;
    for (int64_t row = z * area; row < (z + 1) * area; row += width)
      any |= sweep_row(&to[row], &squared[row], width, grid.spacing[2]);
    if (any && depth > 1) sweep_columns(&squared[z * area], height, width, h2, envelope);
  }
  std::vector<double> found;
  if (depth == 1)
    for (int64_t x = 0; x < width; ++x)
      ask(&squared[x], &from[x], height, width, h2, envelope, found);
  else
    for (int64_t i = 0; i < area; ++i) ask(&squared[i], &from[i], depth, area, d2, envelope, found);
  return found;
}

}  // namespace hilum::metrics
