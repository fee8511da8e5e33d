// SPDX-License-Identifier: Apache-2.0
// From one voxel spacing to another. No LibTorch.
#pragma once
#include <array>
#include <span>
#include <vector>

#include "core/data/region.hpp"

namespace hilum::data {

/// Voxels (D, H, W) and mm. Two grids of one region share their centre.
struct Grid {
  std::array<int64_t, 3> size{};
  std::array<double, 3> spacing{};
  bool operator==(const Grid&) const = default;
};
Grid native_grid(const Geometry& geometry);
/// The grid that a region is worked on: `spacing` is [H,W] (slices stay where they are), [D,H,W],
/// or empty for the native one. As many voxels as fill the region's extent, rounded, at least one.
Grid work_grid(const Geometry& geometry, const std::vector<double>& spacing);
/// Linear interpolation at the voxels' centres; outside, the nearest voxel's value.
std::vector<float> resample(std::span<const float> voxels, const Grid& from, const Grid& to);

/// A volume `factor` times as coarse on its last `axes` axes.
struct Blocks {
  Grid grid;
  std::vector<float> voxels;
};
/// Each voxel is the mean of the factor^axes voxels that it covers, at the border of those that are
/// there, beyond it `fill`: unlike a plain resampling it leaves nothing out, so it does not alias.
/// There are as many blocks, odd or even like `roi`, that its crop has the fine one's centre.
Blocks block_means(std::span<const float> voxels, const Grid& from, int64_t factor, int64_t axes,
                   const std::array<int64_t, 3>& roi, double fill);

}  // namespace hilum::data
