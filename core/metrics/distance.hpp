// SPDX-License-Identifier: Apache-2.0
// Exact Euclidean distances between two sets of voxels, any spacing, 2D and 3D.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace hilum::metrics {

/// A box of voxels, fastest axis last: D, H, W; D is 1 in 2D. Spacing in mm in the same order.
struct Grid {
  std::array<int64_t, 3> size{1, 1, 1};
  std::array<double, 3> spacing{1, 1, 1};
  int64_t voxels() const { return size[0] * size[1] * size[2]; }
};

/// For each voxel of `from` (not 0) the distance in mm between its centre and the centre of the
/// nearest voxel of `to`; 0 where they coincide. Neither may be empty. The order is that of the
/// sweeps, not of the voxels.
std::vector<double> distances(const Grid& grid, std::span<const uint8_t> from,
                              std::span<const uint8_t> to);

}  // namespace hilum::metrics
