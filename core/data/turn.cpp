// SPDX-License-Identifier: Apache-2.0
#include "core/data/turn.hpp"

#include <algorithm>
#include <cmath>

#include "core/data/world.hpp"

namespace hilum::data {

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
  result.origin = to_world(g, first);
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

Turn after(const Turn& first, const Turn& second) {
  Turn both;
  for (size_t a = 0; a < 3; ++a) {
    both.from[a] = first.from[second.from[a]];
    both.flip[a] = first.flip[second.from[a]] != second.flip[a];
  }
  return both;
}

Turn inverse(const Turn& turn) {
  Turn back;
  for (size_t a = 0; a < 3; ++a)
    back.from[turn.from[a]] = a, back.flip[turn.from[a]] = turn.flip[a];
  return back;
}

Turn view_turn(const std::string& view) {
  if (view == "axial") return {};
  if (view == "coronal") return {{1, 0, 2}, {}};
  if (view == "sagittal") return {{2, 0, 1}, {}};
  throw Error("data.view: value '" + view + "', allowed 'axial', 'coronal' or 'sagittal'." +
                  suggestion(view, {"axial", "coronal", "sagittal"}),
              Fault::request);
}

void show_from(Region& region, const Turn& turn) {
  if (turn == Turn{}) return;
  const auto stored = region.geometry.size;
  region.image = turned<float>(region.image, stored, turn);
  for (auto& [name, voxels] : region.more_images) voxels = turned<float>(voxels, stored, turn);
  region.mask = turned<uint8_t>(region.mask, stored, turn);
  region.geometry = turned(region.geometry, turn);
}

}  // namespace hilum::data
