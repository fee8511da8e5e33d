// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/data/world.hpp"
#include "fixture.hpp"

namespace hilum::data::prepare {

/// Whole HU that are all different from their neighbours.
inline Volume ramp(const Geometry& geometry, float seed = 0) {
  Volume volume{geometry, std::vector<float>(static_cast<size_t>(voxels(geometry)))};
  for (size_t i = 0; i < volume.voxels.size(); ++i)
    volume.voxels[i] = static_cast<float>((i * 37) % 1999) - 1000 + seed;
  return volume;
}

/// The same patient stored with x and y reversed, as the header then says.
inline Volume flipped(const Volume& volume) {
  Volume out = volume;
  const auto [depth, height, width] = volume.geometry.size;
  out.geometry.origin = to_world(
      volume.geometry, {0, static_cast<double>(height - 1), static_cast<double>(width - 1)});
  for (size_t row = 0; row < 3; ++row)
    for (size_t axis = 0; axis < 2; ++axis) out.geometry.direction[row * 3 + axis] *= -1;
  const int64_t plane = height * width;
  for (int64_t z = 0; z < depth; ++z)
    std::reverse(out.voxels.begin() + z * plane, out.voxels.begin() + (z + 1) * plane);
  return out;
}

}  // namespace hilum::data::prepare
