// SPDX-License-Identifier: Apache-2.0
#include "core/metrics/mask.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "hilum/error.hpp"

namespace hilum::metrics {
namespace {

using ::testing::HasSubstr;
using Voxels = std::vector<uint8_t>;

struct Mask {
  std::vector<int64_t> size;
  std::vector<double> spacing;
  Voxels voxels;
  MaskView view() const { return {voxels, size, spacing}; }
  uint8_t& at(int64_t y, int64_t x) { return voxels[y * size[1] + x]; }
};

Mask blank(std::vector<int64_t> size, std::vector<double> spacing) {
  int64_t n = 1;
  for (const int64_t s : size) n *= s;
  return {std::move(size), std::move(spacing), Voxels(n, 0)};
}

Mask noise(std::mt19937& random, const std::vector<int64_t>& size,
           const std::vector<double>& spacing, double density) {
  Mask mask = blank(size, spacing);
  std::bernoulli_distribution foreground(density);
  for (auto& v : mask.voxels) v = foreground(random) ? 255 : 0;
  return mask;
}

// The definitions, word by word, in O(n^2): every voxel with its position in mm.
struct Point {
  std::array<double, 3> mm;
};

bool inside(const Mask& m, const std::vector<int64_t>& place) {
  int64_t i = 0;
  for (size_t a = 0; a < place.size(); ++a) {
    if (place[a] < 0 || place[a] >= m.size[a]) return false;
    i = i * m.size[a] + place[a];
  }
  return m.voxels[i] != 0;
}

std::vector<Point> surface_points(const Mask& m) {
  std::vector<Point> points;
  for (size_t i = 0; i < m.voxels.size(); ++i) {
    std::vector<int64_t> place(m.size.size());
    auto rest = static_cast<int64_t>(i);
    for (size_t a = m.size.size(); a-- > 0; rest /= m.size[a]) place[a] = rest % m.size[a];
    if (!inside(m, place)) continue;
    bool eroded_away = false;
    Point point{};
    for (size_t a = 0; a < place.size(); ++a) {
      point.mm[a] = static_cast<double>(place[a]) * m.spacing[a];
      for (const int step : {-1, 1}) {
        auto next = place;
        next[a] += step;
        eroded_away |= !inside(m, next);
      }
    }
    if (eroded_away) points.push_back(point);
  }
  return points;
}

std::vector<double> nearest_distances(const std::vector<Point>& from,
                                      const std::vector<Point>& to) {
  std::vector<double> distances;
  for (const auto& p : from) {
    double least = INFINITY;
    for (const auto& q : to)
      least = std::min(least, std::hypot(p.mm[0] - q.mm[0], p.mm[1] - q.mm[1], p.mm[2] - q.mm[2]));
    distances.push_back(least);
  }
  return distances;
}

double percentile95(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  const double rank = 0.95 * static_cast<double>(v.size() - 1);
  const auto low = static_cast<size_t>(std::floor(rank)),
             high = static_cast<size_t>(std::ceil(rank));
  return v[low] + (v[high] - v[low]) * (rank - std::floor(rank));
}

MaskScores by_definition(const Mask& pred, const Mask& truth) {
  double p = 0, t = 0, both = 0;
  for (size_t i = 0; i < pred.voxels.size(); ++i) {
    p += pred.voxels[i] != 0;
    t += truth.voxels[i] != 0;
    both += pred.voxels[i] && truth.voxels[i];
  }
  const auto x = surface_points(pred), y = surface_points(truth);
  const auto there = nearest_distances(x, y), back = nearest_distances(y, x);
  MaskScores s;
  s.dice = 2 * both / (p + t), s.iou = both / (p + t - both);
  s.precision = both / p, s.sensitivity = both / t;
  s.hd = std::max(*std::max_element(there.begin(), there.end()),
                  *std::max_element(back.begin(), back.end()));
  s.hd95 = std::max(percentile95(there), percentile95(back));
  double sum = 0;
  for (const double d : there) sum += d;
  for (const double d : back) sum += d;
  s.assd = sum / static_cast<double>(there.size() + back.size());
  return s;
}

void expect_equal(const MaskScores& got, const MaskScores& wanted, const std::string& what) {
  const auto g = named(got), w = named(wanted);
  for (size_t i = 0; i < g.size(); ++i)
    EXPECT_NEAR(g[i].second, w[i].second, 1e-12 * (1 + w[i].second)) << what << ": " << g[i].first;
  EXPECT_EQ(to_string(got.empty), to_string(wanted.empty)) << what;
}

TEST(Mask, EqualsTheDefinitionOnRandomMasks) {
  std::mt19937 random(7);
  const std::vector<std::vector<int64_t>> sizes = {{1, 1},    {1, 9},     {9, 1},    {7, 8},
                                                   {13, 21},  {1, 5, 6},  {4, 1, 7}, {5, 6, 1},
                                                   {6, 7, 8}, {3, 12, 11}};
  std::uniform_real_distribution<double> spacing(0.3, 3);
  int compared = 0;
  for (const auto& size : sizes)
    for (const double density : {0.03, 0.2, 0.5, 0.9, 1.0})
      for (int repeat = 0; repeat < 12; ++repeat) {
        std::vector<double> mm(size.size());
        for (auto& s : mm) s = spacing(random);
        const Mask pred = noise(random, size, mm, density), truth = noise(random, size, mm, 0.4);
        const auto scores = compare(pred.view(), truth.view());
        if (scores.empty != Empty::none) continue;
        ++compared;
        expect_equal(scores, by_definition(pred, truth),
                     "case " + std::to_string(compared) + ", density " + std::to_string(density));
        if (HasFailure()) return;
      }
  EXPECT_GT(compared, 400);
}

TEST(Mask, SwappingTheMasksSwapsPrecisionAndSensitivityOnly) {
  std::mt19937 random(1);
  const Mask a = noise(random, {9, 14}, {0.7, 1.3}, 0.3),
             b = noise(random, {9, 14}, {0.7, 1.3}, 0.6);
  auto swapped = compare(b.view(), a.view());
  std::swap(swapped.precision, swapped.sensitivity);
  expect_equal(swapped, compare(a.view(), b.view()), "swapped");
}

TEST(Mask, BothEmptyIsAPerfectScore) {
  const Mask none = blank({4, 5}, {2, 0.5});
  const auto s = compare(none.view(), none.view());
  EXPECT_EQ(s.empty, Empty::both);
  EXPECT_EQ(s.dice, 1);
  EXPECT_EQ(s.iou, 1);
  EXPECT_EQ(s.precision, 1);
  EXPECT_EQ(s.sensitivity, 1);
  EXPECT_EQ(s.hd, 0);
  EXPECT_EQ(s.hd95, 0);
  EXPECT_EQ(s.assd, 0);
}

TEST(Mask, OneEmptyIsTheDiagonalOfTheRegion) {
  const Mask none = blank({3, 4, 12}, {1, 1, 1});
  Mask some = none;
  some.voxels[17] = 1;
  for (const bool pred_empty : {true, false}) {
    const auto s =
        pred_empty ? compare(none.view(), some.view()) : compare(some.view(), none.view());
    EXPECT_EQ(s.empty, pred_empty ? Empty::pred : Empty::truth);
    EXPECT_EQ(s.dice + s.iou + s.precision + s.sensitivity, 0);
    for (const double d : {s.hd, s.hd95, s.assd}) EXPECT_DOUBLE_EQ(d, 13) << "sqrt(9 + 16 + 144)";
  }
}

TEST(Mask, DistancesAreInMillimetres) {
  Mask pred = blank({16, 16}, {2, 0.5}), truth = pred;
  pred.at(5, 5) = 1;
  truth.at(8, 9) = 1;
  const auto s = compare(pred.view(), truth.view());
  for (const double d : {s.hd, s.hd95, s.assd}) EXPECT_DOUBLE_EQ(d, std::hypot(6, 2));
}

TEST(Mask, ABorderVoxelIsSurface) {
  Mask full = blank({6, 6}, {1, 1}), ring = full;
  for (auto& v : full.voxels) v = 1;
  for (int64_t y = 0; y < 6; ++y)
    for (int64_t x = 0; x < 6; ++x) ring.at(y, x) = y % 5 == 0 || x % 5 == 0;
  const auto s = compare(full.view(), ring.view());
  // The ring's inner side is a surface too, but it is the same voxels: a wall one voxel thick.
  EXPECT_EQ(s.hd, 0);
  EXPECT_DOUBLE_EQ(s.dice, 2.0 * 20 / 56);
}

TEST(Mask, ASliceOfAVolumeIsAllSurfaceAndA2DMaskIsNot) {
  Mask square = blank({7, 7}, {1, 1});
  std::fill(square.voxels.begin(), square.voxels.end(), 1);
  Mask centre = blank({7, 7}, {1, 1});
  centre.at(3, 3) = 1;
  EXPECT_DOUBLE_EQ(compare(centre.view(), square.view()).hd, std::hypot(3, 3));
  const double in_2d = compare(centre.view(), square.view()).assd;
  square.size = centre.size = {1, 7, 7};
  square.spacing = centre.spacing = {1, 1, 1};
  EXPECT_LT(compare(centre.view(), square.view()).assd, in_2d);
}

TEST(Mask, AnyValueButZeroIsForeground) {
  Mask a = blank({3, 3}, {1, 1}), b = a;
  a.at(1, 1) = 255, a.at(1, 2) = 2, b.at(1, 1) = 1, b.at(1, 2) = 128;
  const auto s = compare(a.view(), b.view());
  EXPECT_EQ(s.dice, 1);
  EXPECT_EQ(s.hd, 0);
}

TEST(Mask, IsUnchangedWhereTheRegionGrows) {
  std::mt19937 random(3);
  const Mask a = noise(random, {8, 9}, {0.6, 0.9}, 0.4), b = noise(random, {8, 9}, {0.6, 0.9}, 0.4);
  Mask large_a = blank({30, 41}, {0.6, 0.9}), large_b = large_a;
  for (int64_t y = 0; y < 8; ++y)
    for (int64_t x = 0; x < 9; ++x) {
      large_a.at(y + 20, x + 3) = a.voxels[y * 9 + x];
      large_b.at(y + 20, x + 3) = b.voxels[y * 9 + x];
    }
  expect_equal(compare(large_a.view(), large_b.view()), compare(a.view(), b.view()), "grown");
}

void expect_data_error(const Mask& pred, const Mask& truth, const std::string& part) {
  try {
    compare(pred.view(), truth.view());
    FAIL() << "accepted; expected: " << part;
  } catch (const Error& e) {
    EXPECT_EQ(e.fault, Fault::data);
    EXPECT_THAT(e.what(), HasSubstr(part));
  }
}

TEST(Mask, ErrorsNameBothValues) {
  const Mask good = blank({4, 5}, {1, 0.5});
  expect_data_error(blank({5, 4}, {1, 0.5}), good, "prediction has size [5, 4], the truth [4, 5]");
  expect_data_error(blank({4, 5}, {1, 0.6}), good, "spacing [1, 0.6] mm, the truth [1, 0.5] mm");
  expect_data_error(good, blank({4, 5}, {1, 0}), "the truth has spacing [1, 0] mm");
  expect_data_error(good, blank({4, 5}, {1, NAN}), "above 0");
  expect_data_error(blank({4, 5}, {1}), good, "2 axes but 1 spacings");
  expect_data_error(blank({4}, {1}), good, "1 axes, allowed 2");
  expect_data_error(blank({0, 5}, {1, 0.5}), good, "every axis needs a voxel");
  Mask few = good;
  few.voxels.resize(19);
  expect_data_error(few, good, "19 voxels, its size [4, 5] needs 20");
}

TEST(Mask, SpacingsThatDifferByAFormatsDigitsAreEqual) {
  Mask a = blank({4, 5}, {0.7, 0.7}), b = blank({4, 5}, {0.7, static_cast<double>(0.7F)});
  a.at(1, 1) = b.at(1, 3) = 1;
  EXPECT_NEAR(compare(a.view(), b.view()).hd, 1.4, 1e-6);
}

}  // namespace
}  // namespace hilum::metrics
