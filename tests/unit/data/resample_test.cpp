// SPDX-License-Identifier: Apache-2.0
#include "core/data/resample.hpp"

#include <cmath>

#include "fixture.hpp"

namespace hilum::data {
namespace {

// A plane in mm: linear interpolation is exact on it, wherever the grid is centred.
std::vector<float> plane(const Grid& g) {
  std::vector<float> values;
  const auto mm = [&](size_t axis, int64_t i) {
    return (static_cast<double>(i) - 0.5 * static_cast<double>(g.size[axis] - 1)) * g.spacing[axis];
  };
  for (int64_t z = 0; z < g.size[0]; ++z)
    for (int64_t y = 0; y < g.size[1]; ++y)
      for (int64_t x = 0; x < g.size[2]; ++x)
        values.push_back(static_cast<float>(100 + 3 * mm(0, z) - 2 * mm(1, y) + 5 * mm(2, x)));
  return values;
}

TEST(Resample, KeepsALinearFieldInItsPlace) {
  const Geometry geometry = grid(6, 10, 14, {2.5, 0.8, 0.6});
  const Grid from = native_grid(geometry), to = work_grid(geometry, {1.25, 0.4, 0.4});
  EXPECT_EQ(to.size, (std::array<int64_t, 3>{12, 20, 21}));
  const auto values = resample(plane(from), from, to), expected = plane(to);
  ASSERT_EQ(values.size(), expected.size());
  size_t inside = 0;
  for (int64_t z = 1; z < 11;
       ++z)  // the outermost centres lie beyond the native ones: held, not extended
    for (int64_t y = 1; y < 19; ++y)
      for (int64_t x = 1; x < 20; ++x, ++inside) {
        const auto i = static_cast<size_t>((z * 20 + y) * 21 + x);
        ASSERT_NEAR(values[i], expected[i], 1e-3) << z << " " << y << " " << x;
      }
  EXPECT_GT(inside, 3000u);
  for (const float value : values) EXPECT_NE(value, 0);  // no default pixel at the rim
}

TEST(Resample, InPlaneLeavesSlicesAlone) {
  const Geometry geometry = grid(3, 8, 8, {5, 1, 1});
  const Grid to = work_grid(geometry, {0.5, 2});
  EXPECT_EQ(to.size, (std::array<int64_t, 3>{3, 16, 4}));
  EXPECT_EQ(to.spacing, (std::array<double, 3>{5, 0.5, 2}));
}

// 5 mm as one voxel of 3.4 mm, and back: what lies beyond it is its value, not a default of 0.
TEST(Resample, BackFromACoarseGridFillsTheRim) {
  const Geometry geometry = grid(10, 10, 10, {0.5, 0.5, 0.5});
  const Grid native = native_grid(geometry), coarse = work_grid(geometry, {3.4, 3.4, 3.4});
  ASSERT_EQ(coarse.size[0], 1);
  for (const float value : resample(std::vector<float>{7}, coarse, native)) EXPECT_EQ(value, 7);
}

TEST(Resample, NativeIsACopyAndOneVoxelIsLeft) {
  const Geometry geometry = grid(2, 3, 4);
  const Grid native = native_grid(geometry);
  EXPECT_EQ(work_grid(geometry, {}), native);
  EXPECT_EQ(resample(plane(native), native, native), plane(native));
  EXPECT_EQ(work_grid(geometry, {50, 50, 50}).size, (std::array<int64_t, 3>{1, 1, 1}));
}

}  // namespace
}  // namespace hilum::data
