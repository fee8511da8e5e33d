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

Turn to_lps(const Geometry& g) {
  // The strongest pairs of a world axis and a stored axis first, so that no axis is taken twice.
  Turn turn;
  std::array<bool, 3> world_done{}, stored_done{};
  for (int pair = 0; pair < 3; ++pair) {
    double best = -1;
    size_t world = 0, stored = 0;
    for (size_t w = 0; w < 3; ++w)
      for (size_t s = 0; s < 3; ++s)
        if (const double share = std::abs(g.direction[w * 3 + s]);
            !world_done[w] && !stored_done[s] && share > best + 1e-9)
          best = share, world = w, stored = s;
    world_done[world] = stored_done[stored] = true;
    turn.from[2 - world] = 2 - stored;
    turn.flip[2 - world] = g.direction[world * 3 + stored] < 0;
  }
  return turn;
}

Geometry turned(const Geometry& g, const Turn& turn) {
  Geometry result = g;
  Voxel first{};  // the stored index of the turned image's first voxel
  for (size_t a = 0; a < 3; ++a) {
    const size_t s = turn.from[a];
    result.size[a] = g.size[s];
    result.spacing[a] = g.spacing[s];
    if (turn.flip[a]) first[s] = static_cast<double>(g.size[s] - 1);
    for (size_t w = 0; w < 3; ++w)
      result.direction[w * 3 + (2 - a)] = (turn.flip[a] ? -1 : 1) * g.direction[w * 3 + (2 - s)];
  }
  result.origin = data::to_world(g, first);
  return result;
}

template <class T>
std::vector<T> turned(std::span<const T> voxels, const std::array<int64_t, 3>& size,
                      const Turn& turn, bool back) {
  if (turn == Turn{}) return {voxels.begin(), voxels.end()};
  const std::array<int64_t, 3> stride{size[1] * size[2], size[2], 1};
  std::array<int64_t, 3> length{}, step{};
  int64_t start = 0;
  for (size_t a = 0; a < 3; ++a) {
    length[a] = size[turn.from[a]];
    step[a] = stride[turn.from[a]] * (turn.flip[a] ? -1 : 1);
    if (turn.flip[a]) start += (length[a] - 1) * stride[turn.from[a]];
  }
  std::vector<T> result(voxels.size());
  size_t at = 0;
  for (int64_t z = 0; z < length[0]; ++z)
    for (int64_t y = 0; y < length[1]; ++y)
      for (int64_t x = 0; x < length[2]; ++x, ++at) {
        const auto stored = static_cast<size_t>(start + z * step[0] + y * step[1] + x * step[2]);
        back ? result[stored] = voxels[at] : result[at] = voxels[stored];
      }
  return result;
}
template std::vector<float> turned(std::span<const float>, const std::array<int64_t, 3>&,
                                   const Turn&, bool);
template std::vector<uint8_t> turned(std::span<const uint8_t>, const std::array<int64_t, 3>&,
                                     const Turn&, bool);

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
