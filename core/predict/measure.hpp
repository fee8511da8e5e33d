// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>

#include "core/data/region.hpp"

namespace hilum::predict {

/// What a mask measures. All 0 where it is empty.
struct Measures {
  double volume = 0;  // mm3: voxels times their volume
  double axial =
      0;  // mm: longest distance of two voxel centres of one slice [H,W]; 0 for one voxel
  double sphere = 0;  // mm: diameter of the sphere of that volume
};
/// `mask` [D,H,W]: foreground is not 0.
Measures measure(std::span<const uint8_t> mask, const data::Geometry& geometry);

}  // namespace hilum::predict
