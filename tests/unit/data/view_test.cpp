// SPDX-License-Identifier: Apache-2.0
// Views of a region, and crops of several scales.
#include <torch/torch.h>

#include "core/data/samples.hpp"
#include "core/data/turn.hpp"
#include "core/data/world.hpp"
#include "fixture.hpp"

namespace hilum::data {
namespace {
using testing::HasSubstr;

RegionSet one(Region r) {
  RegionSet set;
  set.name = "made";
  set.regions = {std::move(r)};
  return set;
}

Batch whole(const RegionSet& set, const config::DataOptions& options) {
  const Sampler sampler(set, {0}, options, 0, false);
  return sampler.load(sampler.epoch(0), 0, 0);
}

TEST(View, SlicesLieAlongTheAxisAndVoxelsStayInThePatient) {
  const auto stored = region("a", "p", grid(3, 4, 5, {2.5, 0.7, 0.6}), {7});
  for (const std::string view : {"axial", "coronal", "sagittal"}) {
    Region seen = stored;
    show_from(seen, view_turn(view));
    const auto& size = seen.geometry.size;
    const std::array<int64_t, 3> expected = view == "axial"     ? std::array<int64_t, 3>{3, 4, 5}
                                            : view == "coronal" ? std::array<int64_t, 3>{4, 3, 5}
                                                                : std::array<int64_t, 3>{5, 3, 4};
    EXPECT_EQ(size, expected) << view;
    size_t at = 0;
    for (int64_t d = 0; d < size[0]; ++d)
      for (int64_t h = 0; h < size[1]; ++h)
        for (int64_t w = 0; w < size[2]; ++w, ++at) {
          const auto world =
              to_world(seen.geometry,
                       {static_cast<double>(d), static_cast<double>(h), static_cast<double>(w)});
          const auto v = nearest_voxel(stored.geometry, world);
          const auto from = static_cast<size_t>((v[0] * 4 + v[1]) * 5 + v[2]);
          EXPECT_EQ(seen.image[at], stored.image[from]) << view;
          EXPECT_EQ(seen.mask[at], stored.mask[from]) << view;
        }
    Region again = seen;
    show_from(again, inverse(view_turn(view)));
    EXPECT_EQ(again.image, stored.image);
    EXPECT_EQ(difference(again.geometry, stored.geometry), "");
  }
  EXPECT_THAT(error_of([] { view_turn("coronel"); }).what(), HasSubstr("'coronal'"));
}

// 4 rows of 3 slices: a coronal sample is [D,W], with D and W in mm.
TEST(View, ReadRegionsTakesSlicesOfTheView) {
  config::DataOptions options;
  options.count = options.patients = 5;
  options.size = {6, 20, 24};
  options.view = "coronal";
  options.roi = {6, 24};
  const auto set = read_regions(options);
  EXPECT_EQ(set.regions[0].geometry.size, (std::array<int64_t, 3>{20, 6, 24}));
  const auto batch = whole(set, options);
  EXPECT_EQ(batch.values.at("image").sizes(), (std::vector<int64_t>{20, 1, 6, 24}));
  EXPECT_FLOAT_EQ(batch.spacing[0][0].item<float>(), 2.5f);
  options.view = "axial";
  const auto axial = read_regions(options);
  const auto from = [](const RegionSet& s, int64_t d, int64_t h, int64_t w) {
    const auto& size = s.regions[0].geometry.size;
    return s.regions[0].image[static_cast<size_t>((d * size[1] + h) * size[2] + w)];
  };
  EXPECT_EQ(from(set, 7, 2, 11), from(axial, 2, 7, 11));
  EXPECT_EQ(set.fingerprint, axial.fingerprint) << "the data are the same";
}

TEST(Crops, AreBlockMeansAroundTheSameCentre) {
  auto r = region("a", "p", grid(1, 8, 8), {27});
  auto options = config::DataOptions{};
  options.roi = {4, 4}, options.window = {-1000, 0}, options.crops = {2};
  const auto batch = whole(one(r), options);
  const auto image = batch.values.at("image"), wide = batch.values.at("x2");
  EXPECT_EQ(wide.sizes(), image.sizes());
  for (int64_t y = 0; y < 4; ++y)
    for (int64_t x = 0; x < 4; ++x) {
      float sum = 0;
      for (int64_t i = 0; i < 2; ++i)
        for (int64_t j = 0; j < 2; ++j) sum += static_cast<float>((2 * y + i) * 8 + 2 * x + j);
      EXPECT_FLOAT_EQ(wide[0][0][y][x].item<float>(), sum / 4000);
    }
  // The middle two blocks of the wide crop are the image.
  EXPECT_NEAR(image.mean().item<double>(), wide.slice(2, 1, 3).slice(3, 1, 3).mean().item<double>(),
              1e-6);
}

TEST(Crops, BeyondTheRegionIsFill) {
  auto r = region("a", "p", grid(1, 5, 5), {12});
  std::ranges::fill(r.image, -200.0f);
  r.image[6] = -1000;  // row 1, column 1: with row 2 and column 2 in one block
  auto options = config::DataOptions{};
  options.roi = {4, 4}, options.window = {-1000, 0}, options.crops = {2, 3};
  const auto batch = whole(one(r), options);
  const auto wide = batch.values.at("x2")[0][0];
  // Four blocks are eight rows: one before the five, two after them, so that one block is empty.
  EXPECT_FLOAT_EQ(wide[1][1].item<float>(), 0.6f);
  EXPECT_FLOAT_EQ(wide.max().item<float>(), 0.8f);
  EXPECT_FLOAT_EQ(wide.min().item<float>(), 0.0f);
  EXPECT_EQ((wide > 0).sum().item<int64_t>(), 9);
  EXPECT_EQ((batch.values.at("x3") > 0).sum().item<int64_t>(), 4);
}

TEST(Crops, AColumnOfTheSameNameIsRefused) {
  auto r = region("a", "p", grid(1, 4, 4));
  r.more_images["x2"] = r.image;
  auto options = config::DataOptions{};
  options.roi = {4, 4}, options.crops = {2};
  const auto set = one(r);
  const auto error = error_of([&] { whole(set, options); });
  EXPECT_EQ(error.fault, Fault::request);
  EXPECT_THAT(error.what(), HasSubstr("image_x2"));
}

}  // namespace
}  // namespace hilum::data
