// SPDX-License-Identifier: Apache-2.0
// Outlines to masks, masks to nodules, ratings to columns: by hand.
#include <cmath>

#include "core/data/lidc/cluster.hpp"
#include "core/data/lidc/nodules.hpp"
#include "core/data/lidc/outline.hpp"
#include "core/data/lidc/ratings.hpp"
#include "tests/unit/data/fixture.hpp"

namespace hilum::data::lidc {
namespace {
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::array<int64_t, 3> kScan = {4, 20, 20};

// All pixels of a square's border, closed.
std::vector<Pixel> square(int64_t low, int64_t high) {
  std::vector<Pixel> points;
  for (int64_t x = low; x < high; ++x) points.push_back({x, low});
  for (int64_t y = low; y < high; ++y) points.push_back({high, y});
  for (int64_t x = high; x > low; --x) points.push_back({x, high});
  for (int64_t y = high; y >= low; --y) points.push_back({low, y});
  return points;
}

Outline outline(std::vector<Pixel> points, bool inclusion = true, double z = 0) {
  return {z, "", inclusion, std::move(points)};
}

Mask drawn(const std::vector<Outline>& outlines, bool contour = false) {
  return reader_mask(outlines, std::vector<int64_t>(outlines.size(), 1), kScan, contour);
}

bool at(const Mask& m, int64_t d, int64_t y, int64_t x) {
  d -= m.from[0], y -= m.from[1], x -= m.from[2];
  if (d < 0 || y < 0 || x < 0 || d >= m.size[0] || y >= m.size[1] || x >= m.size[2]) return false;
  return m.voxels[static_cast<size_t>((d * m.size[1] + y) * m.size[2] + x)] != 0;
}

TEST(LidcOutline, ASquareIsWhatItsPixelsEnclose) {
  const Mask mask = drawn({outline(square(3, 8))});
  EXPECT_EQ(mask.count(), 16);
  EXPECT_TRUE(at(mask, 1, 4, 4) && at(mask, 1, 7, 7));
  EXPECT_FALSE(at(mask, 1, 3, 5) || at(mask, 1, 8, 5) || at(mask, 1, 5, 3) || at(mask, 1, 5, 8));
  EXPECT_EQ(drawn({outline(square(3, 8))}, true).count(), 36);
}

TEST(LidcOutline, CornersAloneEncloseTheSameSquare) {
  const std::vector<Pixel> corners = {{3, 3}, {8, 3}, {8, 8}, {3, 8}};
  const Mask mask = drawn({outline(corners)});
  for (int64_t y = 4; y < 8; ++y)
    for (int64_t x = 4; x < 8; ++x) EXPECT_TRUE(at(mask, 1, y, x));
  EXPECT_FALSE(at(mask, 1, 3, 3) || at(mask, 1, 8, 8));
}

TEST(LidcOutline, OpenOutlinesAreClosed) {
  auto open = square(3, 8);
  open.resize(open.size() - 4);  // the end of the last side is missing
  EXPECT_EQ(drawn({outline(open)}).count(), 16);
}

TEST(LidcOutline, AHoleTakesItsInsideAndItsOutlineAway) {
  const std::vector<Outline> ring = {outline(square(2, 12)), outline(square(5, 9), false)};
  const Mask mask = drawn(ring);
  EXPECT_EQ(mask.count(), 81 - 25);
  EXPECT_FALSE(at(mask, 1, 7, 7) || at(mask, 1, 5, 5));
  EXPECT_TRUE(at(mask, 1, 4, 4) && at(mask, 1, 10, 7));
  const Mask whole = drawn(ring, true);
  EXPECT_EQ(whole.count(), 121 - 9);  // both outlines' pixels are nodule, the hole's inside is not
  EXPECT_EQ(drawn({ring[1], ring[0]}).voxels, mask.voxels);  // in any order
}

TEST(LidcOutline, PartsThatTouchAreAUnion) {
  const auto a = outline(square(2, 8)), b = outline(square(5, 11)), beside = outline(square(8, 14));
  EXPECT_EQ(drawn({a, beside}).count(), 50);      // one corner in common, which is outside both
  EXPECT_EQ(drawn({a, b}).count(), 25 + 25 - 4);  // what one outline encloses stays
  EXPECT_EQ(drawn({b, a}).voxels, drawn({a, b}).voxels);
}

TEST(LidcOutline, SinglePointsAndLinesEncloseNothing) {
  EXPECT_THAT(drawn({outline({{5, 5}})}, true).voxels, IsEmpty());
  EXPECT_THAT(drawn({outline({{5, 5}, {6, 5}})}).voxels, IsEmpty());
  EXPECT_EQ(drawn({outline({{5, 5}, {6, 5}})}, true).count(), 2);
  EXPECT_EQ(drawn({outline({{5, 4}, {6, 5}, {5, 6}, {4, 5}, {5, 4}})}).count(), 1);
  EXPECT_TRUE(is_small_mark({outline({{5, 5}})}));
  EXPECT_FALSE(is_small_mark({outline({{5, 5}}), outline({{5, 5}, {6, 5}})}));
}

TEST(LidcOutline, WhatLiesBeyondTheScanIsCutOff) {
  const Mask mask = drawn({outline(square(15, 30))});
  EXPECT_EQ(mask.count(), 16);  // 16 to 19 in both axes
  EXPECT_THAT(reader_mask({outline(square(3, 8))}, {-1}, kScan, false).voxels, IsEmpty());
  EXPECT_THAT(drawn({outline(square(40, 60000))}).voxels, IsEmpty());
}

TEST(LidcOutline, SlicesAreFoundByUidThenByPlace) {
  Scan scan;
  scan.volume.geometry = grid(3, 20, 20, {2, 1, 1});
  scan.slices = {{"a", -10}, {"b", -8}, {"c", -6}};
  const SliceFinder finder(scan);
  EXPECT_EQ(finder.find({-6, "a", true, {}}), 0);  // the UID counts, wherever z is
  EXPECT_EQ(finder.find({-7.6, "other", true, {}}), 1);
  EXPECT_EQ(finder.find({-5.0, "", true, {}}), 2);  // half a slice away
  EXPECT_EQ(finder.find({-4.9, "", true, {}}), -1);
}

TEST(LidcOutline, AgreementCountsAndConsensusCuts) {
  const Mask a = drawn({outline(square(2, 8))}), b = drawn({outline(square(5, 11))});
  const Mask sum = agreement({a, b, Mask{}});
  EXPECT_THAT(sum.from, ElementsAre(1, 2, 2));
  EXPECT_THAT(sum.size, ElementsAre(1, 10, 10));
  EXPECT_EQ(std::count(sum.voxels.begin(), sum.voxels.end(), 2), 4);
  EXPECT_EQ(sum.count(), 46);
  const std::vector<uint8_t> counts = {0, 1, 2, 3, 4};
  EXPECT_THAT(consensus(counts, 4, 0), ElementsAre(0, 1, 1, 1, 1));
  EXPECT_THAT(consensus(counts, 4, 0.5), ElementsAre(0, 0, 1, 1, 1));
  EXPECT_THAT(consensus(counts, 3, 2.0 / 3), ElementsAre(0, 0, 1, 1, 1));
  EXPECT_THAT(consensus(counts, 2, 0.5), ElementsAre(0, 1, 1, 1, 1));  // one of two suffices
}

Placed placed(std::vector<std::array<int64_t, 3>> points) { return {std::move(points), {}}; }

TEST(LidcCluster, DistancesAreMillimetres) {
  const std::vector<Placed> readings = {placed({{0, 5, 5}}), placed({{1, 5, 5}}),
                                        placed({{0, 5, 9}}), placed({{0, 5, 12}})};
  const auto groups = [&](const std::string& rule, double tolerance) {
    return cluster(readings, {2.5, 0.5, 0.5}, {rule, tolerance, 0.4}).nodules;
  };
  // 2.5 mm along the slices is one slice spacing; 4 pixels are 2 mm and 3 are 1.5 mm.
  EXPECT_THAT(groups("distance", 0), ElementsAre(ElementsAre(0, 1, 2, 3)));
  EXPECT_THAT(groups("distance", 2), ElementsAre(ElementsAre(0, 2, 3), ElementsAre(1)));
  EXPECT_THAT(groups("distance", 1.9),
              ElementsAre(ElementsAre(0), ElementsAre(1), ElementsAre(2, 3)));
  // The same number taken as voxels joins the slices and parts the pixels.
  EXPECT_THAT(groups("pylidc", 0), ElementsAre(ElementsAre(0, 1), ElementsAre(2), ElementsAre(3)));
  EXPECT_EQ(cluster(readings, {2.5, 0.5, 0.5}, {}).tolerance, 2.5);
}

TEST(LidcCluster, PylidcNarrowsUntilFourReadingsAreLeft) {
  std::vector<Placed> readings;
  for (const int64_t x : {0, 1, 2, 5, 6, 7}) readings.push_back(placed({{0, 0, x}}));
  const auto found = cluster(readings, {3, 1, 1}, {"pylidc", 3, 0});
  EXPECT_THAT(found.nodules, ElementsAre(ElementsAre(0, 1, 2), ElementsAre(3, 4, 5)));
  EXPECT_NEAR(found.tolerance, 2.7, 1e-12);
  EXPECT_FALSE(found.crowded);
  EXPECT_EQ(cluster(readings, {3, 1, 1}, {"distance", 3, 0}).nodules.size(), 1U);
  const auto crowded = cluster(std::vector<Placed>(5, readings[0]), {3, 1, 1}, {"pylidc", 3, 0});
  EXPECT_TRUE(crowded.crowded);
  EXPECT_GE(crowded.tolerance, 0.1);
  EXPECT_EQ(crowded.nodules.size(), 1U);
}

TEST(LidcCluster, OverlapJoinsAboveItsThreshold) {
  std::vector<Placed> readings(3);
  readings[0].mask = drawn({outline(square(2, 8))});   // 25 pixels
  readings[1].mask = drawn({outline(square(3, 9))});   // 16 in common: 16 / 34
  readings[2].mask = drawn({outline(square(5, 11))});  // 9 in common with the second: 9 / 41
  EXPECT_DOUBLE_EQ(overlap(readings[0].mask, readings[1].mask), 16.0 / 34);
  EXPECT_THAT(cluster(readings, {1, 1, 1}, {"iou", 0, 0.4}).nodules,
              ElementsAre(ElementsAre(0, 1), ElementsAre(2)));
  EXPECT_THAT(cluster(readings, {1, 1, 1}, {"iou", 0, 16.0 / 34}).nodules.size(), 3U);
  EXPECT_EQ(overlap({}, {}), 0);
  const Error error = error_of([&] { cluster(readings, {1, 1, 1}, {"pylid", 0, 0}); });
  EXPECT_EQ(error.fault, Fault::request);
  EXPECT_THAT(error.what(), testing::HasSubstr("'pylidc'"));
}

TEST(LidcRatings, MeanMedianModeAndSpread) {
  const Rating r = summarise({5, 2, 2, 5});
  EXPECT_EQ(r.mean, 3.5);
  EXPECT_EQ(r.median, 3.5);
  EXPECT_EQ(r.mode, 2);  // a tie: the lowest
  EXPECT_EQ(r.spread, 3);
  const Rating odd = summarise({4, 0, 1, 4});  // 0 is no rating
  EXPECT_EQ(odd.mean, 3);
  EXPECT_EQ(odd.median, 4);
  EXPECT_EQ(odd.mode, 4);
  EXPECT_TRUE(std::isnan(odd.values[1]));
  EXPECT_TRUE(std::isnan(summarise({}).mean));
}

TEST(LidcRatings, ColumnsBesideTheMeansOnlyIfAskedFor) {
  const std::vector<Reading> readings = {{0, "a", {{"malignancy", 4}}, {}},
                                         {1, "b", {{"malignancy", 5}, {"margin", 2}}, {}}};
  const auto means = rating_columns(readings, {});
  EXPECT_EQ(means.size(), 9U);
  EXPECT_EQ(means.at("malignancy"), 4.5);
  EXPECT_EQ(means.at("margin"), 2);
  EXPECT_TRUE(std::isnan(means.at("texture")));
  const auto all = rating_columns(readings, {"mode", "readers"});
  EXPECT_EQ(all.size(), 36U);
  EXPECT_EQ(all.at("malignancy_mode"), 4);
  EXPECT_EQ(all.at("malignancy_reader2"), 5);
  EXPECT_TRUE(std::isnan(all.at("margin_reader1")));
  EXPECT_EQ(error_of([&] { rating_columns(readings, {"modes"}); }).fault, Fault::request);
}

TEST(LidcMerge, AReadingInTwoFilesCountsOnce) {
  Scan scan;
  scan.volume.geometry = grid(2, 20, 20);
  scan.slices = {{"here", 0}, {"too", 2}};
  const auto file = [](const std::string& uid, const std::string& second) {
    ReadingFile f;
    f.sessions = 2;
    f.readings = {{0, "n", {{"margin", 3}}, {{0, uid, true, square(3, 8)}}},
                  {1, second, {{"margin", 4}}, {{0, uid, true, square(3, 9)}}}};
    return f;
  };
  const auto merged = merge(scan, {file("elsewhere", "x"), file("here", "y")});
  ASSERT_EQ(merged.size(), 3U);
  EXPECT_EQ(merged[0].outlines[0].sop_uid, "here");  // the file that knows this scan's slices
  EXPECT_EQ(merged[1].id, "y");
  EXPECT_EQ(merged[2].id, "x");  // another reader than both
  EXPECT_EQ(merged[2].session, 3U);
}

}  // namespace
}  // namespace hilum::data::lidc
