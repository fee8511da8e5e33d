// SPDX-License-Identifier: Apache-2.0
#include "core/predict/place.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/predict/measure.hpp"

namespace hilum::predict {
namespace {

data::Volume numbered(const data::Geometry& g) {
  data::Volume v{g, std::vector<float>(static_cast<size_t>(data::voxels(g)))};
  for (size_t i = 0; i < v.voxels.size(); ++i) v.voxels[i] = static_cast<float>(i);
  return v;
}

// Each voxel keeps its place in mm, whatever the axes; the turned direction is the identity.
TEST(Turn, KeepsEveryVoxelWhereItIs) {
  const std::vector<std::array<double, 9>> directions{{1, 0, 0, 0, 1, 0, 0, 0, 1},
                                                      {-1, 0, 0, 0, -1, 0, 0, 0, 1},
                                                      {1, 0, 0, 0, 1, 0, 0, 0, -1},
                                                      {0, 0, 1, 1, 0, 0, 0, -1, 0},
                                                      {0, 0, -1, 0, 1, 0, 1, 0, 0}};
  for (const auto& direction : directions) {
    const data::Geometry g{.size = {2, 3, 4},
                           .spacing = {2.5, 0.7, 0.6},
                           .origin = {5, -6, 7},
                           .direction = direction};
    const auto image = numbered(g);
    const Turn turn = to_lps(g);
    const auto upright = turned(g, turn);
    EXPECT_EQ(upright.direction, (std::array<double, 9>{1, 0, 0, 0, 1, 0, 0, 0, 1}));
    const auto voxels = turned<float>(image.voxels, g.size, turn);
    for (int64_t i = 0; i < 24; ++i) {
      const Voxel at{static_cast<double>(i / 12), static_cast<double>(i / 4 % 3),
                     static_cast<double>(i % 4)};
      const auto there = data::nearest_voxel(upright, data::to_world(g, at));
      ASSERT_TRUE(data::inside(upright, there));
      const auto& s = upright.size;
      EXPECT_EQ(voxels[static_cast<size_t>((there[0] * s[1] + there[1]) * s[2] + there[2])],
                static_cast<float>(i));
    }
    EXPECT_EQ(turned<float>(voxels, g.size, turn, true), image.voxels) << "and back";
  }
}

TEST(Box, IsCentredCutAndPutBack) {
  const data::Geometry g{.size = {3, 4, 5}, .spacing = {1, 1, 1}};
  const auto image = numbered(g);
  EXPECT_EQ(box_at({1, 1, 2}, {3, 3, 3}).from, (std::array<int64_t, 3>{0, 0, 1}));
  EXPECT_EQ(box_at({1.4, 1.6, 2.5}, {2, 2, 2}).from, (std::array<int64_t, 3>{1, 1, 2}));
  const Box box{.from = {-1, 2, 3}, .size = {2, 3, 4}};
  const auto region = cut(image, box, -7);
  EXPECT_EQ(region.geometry.origin, (std::array<double, 3>{3, 2, -1}));
  const std::vector<float> expected{-7, -7, -7, -7, -7, -7, -7, -7, -7, -7, -7, -7,
                                    13, 14, -7, -7, 18, 19, -7, -7, -7, -7, -7, -7};
  EXPECT_EQ(region.voxels, expected);
  std::vector<float> into(60, 13.5f);
  put_largest(into, g.size, region.voxels, box);
  EXPECT_EQ(into[13], 13.5f);
  EXPECT_EQ(into[14], 14);
  EXPECT_EQ(into[19], 19);
  EXPECT_EQ(std::count(into.begin(), into.end(), 13.5f), 57);
  // Wholly beside the image: nothing is shared.
  EXPECT_EQ(cut(image, {.from = {0, 0, 9}, .size = {1, 1, 2}}, -7).voxels,
            (std::vector<float>{-7, -7}));
}

TEST(Measure, VolumeAndDiameters) {
  const data::Geometry g{.size = {2, 21, 31}, .spacing = {2, 0.5, 0.4}};
  std::vector<uint8_t> mask(2 * 21 * 31);
  EXPECT_EQ(measure(mask, g).axial, 0);
  EXPECT_EQ(measure(mask, g).sphere, 0);
  for (const size_t at : {0u, 20u * 31 + 30, 651u + 5}) mask[at] = 1;
  const auto m = measure(mask, g);
  EXPECT_NEAR(m.volume, 3 * 0.4, 1e-12);
  EXPECT_NEAR(m.axial, std::hypot(20 * 0.5, 30 * 0.4), 1e-12);
  EXPECT_NEAR(std::numbers::pi / 6 * std::pow(m.sphere, 3), m.volume, 1e-12);
}
}  // namespace
}  // namespace hilum::predict
