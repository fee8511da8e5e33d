// SPDX-License-Identifier: Apache-2.0
// Images that are made from a region's CT: windows, thresholds, superpixels. No LibTorch.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/config/channel.hpp"
#include "core/data/channels/cache.hpp"
#include "core/data/resample.hpp"

namespace hilum::data {

/// What superpixels are made with, in voxels of the work grid.
struct SlicRule {
  int64_t grid = 6;           // in plane; along D as many slices as are as thick in mm, at least 1
  double compactness = 0.05;  // intensity in [0,1] that weighs as much as a distance of one grid
  int64_t iterations = 10;
};
/// How an image is made of one channel; see docs/data.md.
struct ChannelRule {
  config::Channel channel;
  SlicRule slic;
  bool planes = true;  // each slice for itself (dims 2), not the volume as one
};
std::vector<ChannelRule> channel_rules(const config::DataOptions& options);

/// The channel of a region on its work grid, [D,H,W] like `hu`. A ct is not clipped, so that a
/// shift of the intensities brings in what lies just outside the window; all others are in [0,1].
/// The offset applies last; beyond the first and last slice these repeat. `cache` may be null.
std::vector<float> make_channel(std::span<const float> hu, const Grid& grid,
                                const ChannelRule& rule, const Cache* cache);
/// Its value where a region is padded with `fill` HU; 0 for otsu, whose classes padding has none
/// of.
float padding_of(const ChannelRule& rule, double fill);

/// Otsu's classes of values in [0,1], 2 to 4: 0, 1 / (classes - 1), ..., 1. By ITK's histogram of
/// 256 bins between the smallest and largest value. All 0 where these are equal.
std::vector<float> otsu(std::span<const float> values, int64_t classes);

/// The superpixel of every voxel of values in [0,1] on `grid`, by ITK's SLIC: connected, numbered
/// from 0 without gaps.
std::vector<int32_t> superpixels(std::span<const float> values, const Grid& grid,
                                 const SlicRule& rule);
/// The values' mean over each superpixel.
std::vector<float> means(std::span<const float> values, std::span<const int32_t> labels);

}  // namespace hilum::data
