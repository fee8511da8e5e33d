// SPDX-License-Identifier: Apache-2.0
// Between places in the patient and voxels. No LibTorch.
#pragma once
#include <array>
#include <cstdint>

#include "core/data/region.hpp"

namespace hilum::data {

using World = std::array<double, 3>;  // x, y, z: mm, LPS as ITK and DICOM have it
using Voxel = std::array<double, 3>;  // d, h, w: fractions allowed; whole numbers are centres

/// origin + direction * (spacing * voxel).
World to_world(const Geometry& geometry, const Voxel& voxel);
/// The inverse, through the whole direction matrix: flipped and oblique axes come out right, which
/// (world - origin) / spacing does not give. Throws Error (Fault::data) where the matrix has no
/// inverse.
Voxel to_voxel(const Geometry& geometry, const World& world);
/// The voxel whose centre is nearest; may lie outside the image.
std::array<int64_t, 3> nearest_voxel(const Geometry& geometry, const World& world);
bool inside(const Geometry& geometry, const std::array<int64_t, 3>& voxel);

}  // namespace hilum::data
