// SPDX-License-Identifier: Apache-2.0
// Where things lie: boxes of an image, in voxels and in mm. No LibTorch.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/data/image.hpp"
#include "core/data/turn.hpp"
#include "core/data/world.hpp"

namespace hilum::predict {

using data::Voxel;  // d, h, w, fractions allowed
using data::World;  // x, y, z: mm, LPS

using data::to_lps;
using data::Turn;
using data::turned;

/// A box of voxels, D, H, W; it may reach beyond the image.
struct Box {
  std::array<int64_t, 3> from{}, size{};
};
/// The box of that size whose middle lies nearest to that place.
Box box_at(const Voxel& middle, const std::array<int64_t, 3>& size);
/// The box with its own origin in mm; `fill` HU outside the image.
data::Volume cut(const data::Volume& image, const Box& box, double fill);
/// The larger of what is there and the box's voxels, within the image.
void put_largest(std::vector<float>& into, const std::array<int64_t, 3>& size,
                 std::span<const float> voxels, const Box& box);

/// "x -31.5 to 31.5, y ..., z ... mm": where the image's voxels reach.
std::string bounds(const data::Geometry& geometry);

}  // namespace hilum::predict
