// SPDX-License-Identifier: Apache-2.0
// Where things lie: world mm and voxels, the order of axes, boxes of an image. No LibTorch.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/data/image.hpp"
#include "core/data/world.hpp"

namespace hilum::predict {

using data::Voxel;  // d, h, w, fractions allowed
using data::World;  // x, y, z: mm, LPS

/// How an image's axes are brought to LPS order (D to the head, H to the back, W to the left): axis
/// a is the stored axis from[a], run backwards where flip[a].
struct Turn {
  std::array<size_t, 3> from{0, 1, 2};
  std::array<bool, 3> flip{};
  bool operator==(const Turn&) const = default;
};
/// The turn after which the direction is as near to the identity as whole turns bring it. An
/// oblique image stays oblique.
Turn to_lps(const data::Geometry& geometry);
/// The same places in mm under the turned axes.
data::Geometry turned(const data::Geometry& geometry, const Turn& turn);

/// Voxels [D,H,W] of `size` (the stored one) under the turned axes, and back.
template <class T>
std::vector<T> turned(std::span<const T> voxels, const std::array<int64_t, 3>& size,
                      const Turn& turn, bool back = false);

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
