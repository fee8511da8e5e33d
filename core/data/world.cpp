// SPDX-License-Identifier: Apache-2.0
#include "core/data/world.hpp"

#include <cmath>

namespace hilum::data {

World to_world(const Geometry& geometry, const Voxel& voxel) {
  World world = geometry.origin;
  for (size_t row = 0; row < 3; ++row)
    for (size_t axis = 0; axis < 3; ++axis)  // ITK's axes x, y, z are W, H, D
      world[row] +=
          geometry.direction[row * 3 + axis] * geometry.spacing[2 - axis] * voxel[2 - axis];
  return world;
}

Voxel to_voxel(const Geometry& geometry, const World& world) {
  const auto& m = geometry.direction;
  const auto minor = [&](size_t a, size_t b, size_t c, size_t d) {
    return m[a] * m[b] - m[c] * m[d];
  };
  const std::array<double, 9> adjugate = {minor(4, 8, 5, 7), minor(2, 7, 1, 8), minor(1, 5, 2, 4),
                                          minor(5, 6, 3, 8), minor(0, 8, 2, 6), minor(2, 3, 0, 5),
                                          minor(3, 7, 4, 6), minor(1, 6, 0, 7), minor(0, 4, 1, 3)};
  const double determinant = m[0] * adjugate[0] + m[1] * adjugate[3] + m[2] * adjugate[6];
  if (!(std::abs(determinant) > 1e-6))
    throw Error("the direction matrix of the image has no inverse: its axes lie in one plane.",
                Fault::data);
  Voxel voxel{};
  for (size_t axis = 0; axis < 3; ++axis) {
    double along = 0;
    for (size_t row = 0; row < 3; ++row)
      along += adjugate[axis * 3 + row] * (world[row] - geometry.origin[row]);
    voxel[2 - axis] = along / determinant / geometry.spacing[2 - axis];
  }
  return voxel;
}

std::array<int64_t, 3> nearest_voxel(const Geometry& geometry, const World& world) {
  std::array<int64_t, 3> nearest{};
  const Voxel voxel = to_voxel(geometry, world);
  for (size_t i = 0; i < 3; ++i) {
    if (!(std::abs(voxel[i]) < 0x1p52))
      throw Error("a place in the patient is not a finite number of mm.", Fault::data);
    nearest[i] = std::llround(voxel[i]);
  }
  return nearest;
}

bool inside(const Geometry& geometry, const std::array<int64_t, 3>& voxel) {
  for (size_t i = 0; i < 3; ++i)
    if (voxel[i] < 0 || voxel[i] >= geometry.size[i]) return false;
  return true;
}

}  // namespace hilum::data
