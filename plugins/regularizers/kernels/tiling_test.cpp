// SPDX-License-Identifier: Apache-2.0
// How planes are shared out among blocks.
#include "tiling.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace hilum_kernels {
namespace {

constexpr Device kA100{108, 163 * 1024 - 4096}, kH200{132, 227 * 1024 - 4096},
    kSmall{20, 48 * 1024 - 4096};

TEST(Tiling, EachPlaceBelongsToOneTile) {
  for (const Tiling t : {Tiling{7, 5, 7, 5}, {33, 70, 16, 24}, {1, 9, 1, 2}, {8, 8, 8, 3}}) {
    std::vector<int> owners(static_cast<size_t>(t.plane()), 0);
    for (int i = 0; i < t.tiles(); ++i) {
      const Tile tile(t, 3 * t.tiles() + i, 2);
      EXPECT_EQ(tile.plane, 3);
      EXPECT_GT(tile.own.size(), 0);
      EXPECT_LE(tile.room(), t.held(2));
      for (int r = tile.own.top; r < tile.own.bottom; ++r)
        for (int c = tile.own.left; c < tile.own.right; ++c)
          ++owners[static_cast<size_t>(tile.in_plane(r, c))];
      EXPECT_EQ(tile.pitch() % 2, 1);
      EXPECT_EQ(tile.at(tile.held.top, tile.held.left), 0);
      EXPECT_LT(tile.at(tile.held.bottom - 1, tile.held.right - 1), tile.room());
    }
    EXPECT_EQ(owners, std::vector<int>(owners.size(), 1));
  }
}

TEST(Tiling, WalksOfAllThreadsMeetEachPlaceOnce) {
  for (const Area area : {Area{2, 3, 9, 4}, {0, 0, 1, 50}, {1, 1, 8, 8}, {4, 4, 4, 9}})
    for (const int threads : {1, 7, 32, 100}) {
      std::vector<int> met(static_cast<size_t>(area.size()), 0);
      for (int i = 0; i < threads; ++i)
        for (Walk at(area, i, threads); !at.ends(); at.step()) {
          ASSERT_TRUE(area.has(at.row(), at.col()));
          ++met[static_cast<size_t>((at.row() - area.top) * area.cols() + at.col() - area.left)];
        }
      EXPECT_EQ(met, std::vector<int>(met.size(), 1)) << threads;
    }
}

TEST(Plan, FitsTheDeviceWhateverIsAsked) {
  for (const Device& device : {kA100, kH200, kSmall})
    for (const auto& [rows, cols] :
         {std::pair{1, 1}, {1, 100000}, {9, 20000}, {512, 512}, {5000, 3}})
      for (const int reach : {1, 2, 4})
        for (const int iterations : {1, 2, 10, 1000})
          for (const int buffers : {2, 3, 5}) {
            const Plan p = plan({64, rows, cols, iterations, reach, 1, buffers}, device);
            ASSERT_GT(p.count, 0) << rows << "x" << cols << " " << reach << " " << iterations;
            EXPECT_LE(p.count, iterations);
            EXPECT_EQ(p.halo, p.count * reach + 1);
            EXPECT_EQ(p.shared_bytes, 4 * buffers * p.tiling.held(p.halo));
            EXPECT_LE(p.shared_bytes, device.shared_bytes);
            EXPECT_GT(p.tiling.tile_rows, 0);
            EXPECT_GT(p.tiling.tile_cols, 0);
          }
}

TEST(Plan, SmallPlanesTakeOneLaunch) {
  for (const Device& device : {kA100, kH200})
    for (const int side : {32, 64, 96})
      for (const int planes : {1, 10, 64})
        EXPECT_EQ(plan({planes, side, side, 10, 2, 0, 3}, device).count, 10) << side;
  const Plan whole = plan({64, 64, 64, 10, 2, 0, 3}, kH200);
  EXPECT_EQ(whole.tiling.tiles(), 1);
  EXPECT_GT(plan({1, 64, 64, 10, 2, 0, 3}, kH200).tiling.tiles(), 1) << "processors stand idle";
}

TEST(Plan, NoDeviceNoPlan) { EXPECT_EQ(plan({1, 8, 8, 10, 1, 0, 2}, {1, 0}).count, 0); }
}  // namespace
}  // namespace hilum_kernels
