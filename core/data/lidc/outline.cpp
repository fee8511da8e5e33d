// SPDX-License-Identifier: Apache-2.0
#include "core/data/lidc/outline.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hilum::data::lidc {
namespace {

using Size = std::array<int64_t, 3>;

size_t index(const Mask& mask, int64_t d, int64_t h, int64_t w) {
  return static_cast<size_t>(((d - mask.from[0]) * mask.size[1] + h - mask.from[1]) * mask.size[2] +
                             w - mask.from[2]);
}

// An empty box with room for [low, high]; of no voxels where low is above high.
Mask box(const Size& low, const Size& high) {
  Mask mask;
  for (size_t i = 0; i < 3; ++i)
    if (high[i] < low[i]) return mask;
  int64_t voxels = 1;
  for (size_t i = 0; i < 3; ++i) {
    mask.from[i] = low[i], mask.size[i] = high[i] - low[i] + 1;
    voxels *= mask.size[i];
  }
  mask.voxels.assign(static_cast<size_t>(voxels), 0);
  return mask;
}

bool drawn(const Outline& outline, int64_t slice, const Size& scan) {
  return outline.points.size() > 1 && slice >= 0 && slice < scan[0];
}

// The box around all inclusions, cut off at the scan's edges.
Mask canvas(const std::vector<Outline>& outlines, const std::vector<int64_t>& slices,
            const Size& scan, bool include_contour) {
  Size low = scan, high{-1, -1, -1};
  for (size_t i = 0; i < outlines.size(); ++i) {
    if (!drawn(outlines[i], slices[i], scan)) continue;
    if (!outlines[i].inclusion && !include_contour) continue;
    for (const auto& [x, y] : outlines[i].points) {
      const Size at{slices[i], y, x};
      for (size_t k = 0; k < 3; ++k)
        low[k] = std::min(low[k], at[k]), high[k] = std::max(high[k], at[k]);
    }
  }
  for (size_t k = 0; k < 3; ++k)
    low[k] = std::max<int64_t>(low[k], 0), high[k] = std::min(high[k], scan[k] - 1);
  return box(low, high);
}

bool has(const Mask& mask, int64_t y, int64_t x) {
  return y >= mask.from[1] && y < mask.from[1] + mask.size[1] && x >= mask.from[2] &&
         x < mask.from[2] + mask.size[2];
}

void set_contour(Mask& mask, const Outline& outline, int64_t slice, uint8_t value) {
  for (const auto& [x, y] : outline.points)
    if (has(mask, y, x)) mask.voxels[index(mask, slice, y, x)] = value;
}

// Sets the pixels within the outline that are not its own.
void set_inside(Mask& mask, const Outline& outline, int64_t slice, uint8_t value) {
  Pixel low = outline.points.front(), high = low;
  for (const auto& point : outline.points)
    for (size_t i = 0; i < 2; ++i)
      low[i] = std::min(low[i], point[i]), high[i] = std::max(high[i], point[i]);
  auto own = outline.points;
  std::sort(own.begin(), own.end());
  for (size_t i = 0; i < 2; ++i) {
    low[i] = std::max(low[i], mask.from[2 - i]);
    high[i] = std::min(high[i], mask.from[2 - i] + mask.size[2 - i] - 1);
  }
  for (int64_t y = low[1]; y <= high[1]; ++y)
    for (int64_t x = low[0]; x <= high[0]; ++x)
      if (inside(outline.points, {x, y}) &&
          !std::binary_search(own.begin(), own.end(), Pixel{x, y}))
        mask.voxels[index(mask, slice, y, x)] = value;
}

}  // namespace

int64_t Mask::count() const {
  return static_cast<int64_t>(voxels.size()) - std::count(voxels.begin(), voxels.end(), 0);
}

bool inside(const std::vector<Pixel>& polygon, const Pixel& pixel) {
  bool in = false;
  const auto [column, row] = pixel;
  for (size_t i = 0, last = polygon.size() - 1; i < polygon.size(); last = i++) {
    const auto [column0, row0] = polygon[last];
    const auto [column1, row1] = polygon[i];
    const bool above0 = column0 >= column, above1 = column1 >= column;
    if (above0 == above1) continue;
    // A ray along the rows crosses the edge ahead of the pixel, or in it.
    const bool ahead = (column1 - column) * (row0 - row1) >= (row1 - row) * (column0 - column1);
    if (ahead == above1) in = !in;
  }
  return in;
}

bool is_small_mark(const std::vector<Outline>& outlines) {
  return std::all_of(outlines.begin(), outlines.end(),
                     [](const Outline& outline) { return outline.points.size() <= 1; });
}

SliceFinder::SliceFinder(const Scan& scan) : reach_(0.5 * scan.volume.geometry.spacing[0]) {
  for (const auto& slice : scan.slices) {
    if (!slice.sop_uid.empty()) uids_.emplace(slice.sop_uid, static_cast<int64_t>(z_.size()));
    z_.push_back(slice.z);
  }
}

int64_t SliceFinder::find(const Outline& outline) const {
  if (const auto found = uids_.find(outline.sop_uid); found != uids_.end()) return found->second;
  int64_t best = -1;
  double least = reach_ * (1 + 1e-6);
  for (size_t i = 0; i < z_.size(); ++i)
    if (const double gap = std::abs(z_[i] - outline.z); gap < least)
      least = gap, best = static_cast<int64_t>(i);
  return best;
}

Mask reader_mask(const std::vector<Outline>& outlines, const std::vector<int64_t>& slices,
                 const Size& scan, bool include_contour) {
  Mask mask = canvas(outlines, slices, scan, include_contour);
  if (mask.voxels.empty()) return mask;
  const auto each = [&](bool inclusion, auto&& act) {
    for (size_t i = 0; i < outlines.size(); ++i)
      if (outlines[i].inclusion == inclusion && drawn(outlines[i], slices[i], scan) &&
          slices[i] >= mask.from[0] && slices[i] < mask.from[0] + mask.size[0])
        act(outlines[i], slices[i]);
  };
  each(true, [&](const Outline& o, int64_t slice) { set_inside(mask, o, slice, 1); });
  each(false, [&](const Outline& o, int64_t slice) {
    set_inside(mask, o, slice, 0);
    set_contour(mask, o, slice, 0);
  });
  if (include_contour)
    for (const bool inclusion : {true, false})
      each(inclusion, [&](const Outline& o, int64_t slice) { set_contour(mask, o, slice, 1); });
  return mask.count() == 0 ? Mask{} : mask;
}

Mask agreement(const std::vector<Mask>& masks) {
  constexpr int64_t kFar = std::numeric_limits<int64_t>::max();
  Size low{kFar, kFar, kFar}, high{-1, -1, -1};
  for (const auto& mask : masks)
    if (!mask.voxels.empty())
      for (size_t i = 0; i < 3; ++i) {
        low[i] = std::min(low[i], mask.from[i]);
        high[i] = std::max(high[i], mask.from[i] + mask.size[i] - 1);
      }
  Mask sum = box(low, high);
  for (const auto& mask : masks) {
    const uint8_t* voxel = mask.voxels.data();
    for (int64_t d = 0; d < mask.size[0]; ++d)
      for (int64_t h = 0; h < mask.size[1]; ++h)
        for (int64_t w = 0; w < mask.size[2]; ++w)
          sum.voxels[index(sum, mask.from[0] + d, mask.from[1] + h, mask.from[2] + w)] += *voxel++;
  }
  return sum;
}

std::vector<uint8_t> consensus(const std::vector<uint8_t>& counts, int64_t readings, double level) {
  const double least = level * static_cast<double>(readings) - 1e-9;
  std::vector<uint8_t> mask(counts.size());
  std::transform(counts.begin(), counts.end(), mask.begin(),
                 [&](uint8_t count) { return static_cast<uint8_t>(count > 0 && count >= least); });
  return mask;
}

}  // namespace hilum::data::lidc
