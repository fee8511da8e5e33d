// SPDX-License-Identifier: Apache-2.0
#include "core/predict/place.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace hilum::predict {
namespace {

using data::Geometry;

// Calls row(first voxel in the image, first voxel in the box, voxels) for each row that both share.
template <class Row>
void shared_rows(const std::array<int64_t, 3>& size, const Box& box, Row row) {
  std::array<int64_t, 3> low{}, high{};
  for (size_t a = 0; a < 3; ++a) {
    low[a] = std::max<int64_t>(0, box.from[a]);
    high[a] = std::min(size[a], box.from[a] + box.size[a]);
  }
  if (low[2] >= high[2]) return;
  for (int64_t z = low[0]; z < high[0]; ++z)
    for (int64_t y = low[1]; y < high[1]; ++y)
      row((z * size[1] + y) * size[2] + low[2],
          ((z - box.from[0]) * box.size[1] + y - box.from[1]) * box.size[2] + low[2] - box.from[2],
          high[2] - low[2]);
}

}  // namespace

Box box_at(const Voxel& middle, const std::array<int64_t, 3>& size) {
  Box box{.from = {}, .size = size};
  for (size_t a = 0; a < 3; ++a) {
    // The small term decides ties alike whatever the rounding of a turned origin.
    const double from = middle[a] - 0.5 * static_cast<double>(size[a] - 1);
    box.from[a] = static_cast<int64_t>(std::floor(from + 0.5 + 1e-6));
  }
  return box;
}

data::Volume cut(const data::Volume& image, const Box& box, double fill) {
  data::Volume region{image.geometry, {}};
  Voxel first{};
  for (size_t a = 0; a < 3; ++a) first[a] = static_cast<double>(box.from[a]);
  region.geometry.size = box.size;
  region.geometry.origin = data::to_world(image.geometry, first);
  region.voxels.assign(static_cast<size_t>(data::voxels(region.geometry)),
                       static_cast<float>(fill));
  shared_rows(image.geometry.size, box, [&](int64_t from, int64_t to, int64_t count) {
    std::copy_n(image.voxels.begin() + from, count, region.voxels.begin() + to);
  });
  return region;
}

void put_largest(std::vector<float>& into, const std::array<int64_t, 3>& size,
                 std::span<const float> voxels, const Box& box) {
  shared_rows(size, box, [&](int64_t to, int64_t from, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      float& here = into[static_cast<size_t>(to + i)];
      here = std::max(here, voxels[static_cast<size_t>(from + i)]);
    }
  });
}

std::string bounds(const Geometry& g) {
  World low{}, high{};
  for (int corner = 0; corner < 8; ++corner) {
    Voxel index{};
    for (size_t a = 0; a < 3; ++a)
      index[a] = (corner >> a & 1) ? static_cast<double>(g.size[a]) - 0.5 : -0.5;
    const World world = data::to_world(g, index);
    for (size_t i = 0; i < 3; ++i) {
      low[i] = corner == 0 ? world[i] : std::min(low[i], world[i]);
      high[i] = corner == 0 ? world[i] : std::max(high[i], world[i]);
    }
  }
  char text[160];
  std::snprintf(text, sizeof text, "x %g to %g, y %g to %g, z %g to %g mm", low[0], high[0], low[1],
                high[1], low[2], high[2]);
  return text;
}

}  // namespace hilum::predict
