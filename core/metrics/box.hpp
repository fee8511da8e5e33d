// SPDX-License-Identifier: Apache-2.0
// Two masks cut to the box around both, and their surfaces: all further work is done inside that
// box.
#pragma once
#include <cstdint>
#include <vector>

#include "core/metrics/distance.hpp"
#include "core/metrics/mask.hpp"

namespace hilum::metrics {

/// Both masks, 0 or 1, inside the smallest box that holds both, with a rim of one background voxel.
struct Box {
  Grid grid;  // rim included; in 2D there is no rim along D
  int axes = 2;
  std::vector<uint8_t> pred, truth;
  int64_t pred_count = 0, truth_count = 0, both_count = 0;  // voxels
};
/// The masks have equal sizes and spacings. An empty box (no voxels) where both masks are empty.
Box crop(const MaskView& pred, const MaskView& truth);

/// The mask less its erosion by the 4- (2D) or 6-neighbourhood (3D). The rim stands for what lies
/// outside.
std::vector<uint8_t> surface(const Box& box, const std::vector<uint8_t>& mask);

}  // namespace hilum::metrics
