// SPDX-License-Identifier: Apache-2.0
#include <torch/torch.h>

#include <cmath>
#include <set>

#include "core/data/augment.hpp"
#include "core/data/samples.hpp"
#include "fixture.hpp"

namespace hilum::data {
namespace {
using testing::HasSubstr;
using testing::SizeIs;

config::DataOptions plain(std::vector<int64_t> roi = {4, 4}) {
  config::DataOptions o;
  o.roi = std::move(roi), o.dims = static_cast<int64_t>(o.roi.size());
  o.window = {-1000, 0};
  return o;
}

RegionSet set_of(std::vector<Region> regions) {
  RegionSet set;
  set.name = "made";
  set.regions = std::move(regions);
  return set;
}

std::vector<size_t> all(const RegionSet& set) {
  std::vector<size_t> indices(set.regions.size());
  for (size_t i = 0; i < indices.size(); ++i) indices[i] = i;
  return indices;
}

Batch whole(const Sampler& sampler, int64_t epoch = 0) {
  return sampler.load(sampler.epoch(epoch), epoch, 0);
}

TEST(Sampler, SlicesAreWindowedCroppedAndPaddedAboutTheCentre) {
  // 5 rows: one is cropped, of 4 the first stays. 1 column: 1 before (3 / 2), 2 after.
  auto r = region("a", "p", grid(2, 5, 1), {0, 9});
  for (size_t i = 0; i < 10; ++i) r.image[i] = -1000 + 100 * static_cast<float>(i);
  r.targets = {{"margin", 2.5}};
  auto set = set_of({r});
  set.target_names = {"margin"};
  auto options = plain();
  options.fill = -750;
  const Sampler sampler(set, {0}, options, 0, false);
  EXPECT_EQ(sampler.counts(),
            "2 slices, 1 with nodule");  // the last row, with slice 1's nodule, is cropped
  const auto batch = whole(sampler);
  const auto& image = batch.values.at("image");
  EXPECT_EQ(image.sizes(), (std::vector<int64_t>{2, 1, 4, 4}));
  for (int64_t slice = 0; slice < 2; ++slice)
    for (int64_t y = 0; y < 4; ++y)
      for (int64_t x = 0; x < 4; ++x)
        EXPECT_FLOAT_EQ(image[slice][0][y][x].item<float>(),
                        x == 1 ? 0.1f * static_cast<float>(slice * 5 + y) : 0.25f);
  EXPECT_EQ(batch.values.at("mask").sum().item<float>(), 1);
  EXPECT_EQ(batch.values.at("mask")[0][0][0][1].item<float>(), 1);
  EXPECT_EQ(batch.values.at("nodule_present")[0].item<float>(), 1);
  EXPECT_EQ(batch.values.at("nodule_present")[1].item<float>(), 0);
  EXPECT_EQ(batch.values.at("margin").sizes(), (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(batch.values.at("margin")[1].item<float>(), 2.5f);
  EXPECT_THAT(batch.ids, testing::ElementsAre("a slice 0", "a slice 1"));
  EXPECT_EQ(batch.samples[1].slice, 1);
  EXPECT_TRUE(batch.spacing.equal(torch::ones({2, 2})));
}

TEST(Sampler, IntensitiesOutsideTheWindowAreClipped) {
  auto r = region("a", "p", grid(1, 1, 4));
  r.image = {-2000, -1000, -500, 3000};
  const auto set = set_of({r});
  const auto image = whole(Sampler(set, {0}, plain({1, 4}), 0, false)).values.at("image").flatten();
  EXPECT_TRUE(image.equal(torch::tensor({0.0f, 0.0f, 0.5f, 1.0f})));
}

TEST(Sampler, VolumesHaveFiveAxes) {
  const auto set = set_of({region("a", "p", grid(3, 4, 4, {2.5, 0.7, 0.6}), {20}),
                           region("b", "q", grid(9, 6, 6), {})});
  const Sampler sampler(set, all(set), plain({4, 4, 4}), 0, false);
  const auto batch = whole(sampler);
  EXPECT_EQ(batch.values.at("image").sizes(), (std::vector<int64_t>{2, 1, 4, 4, 4}));
  EXPECT_EQ(batch.samples[0].slice, -1);
  EXPECT_EQ(batch.ids[0], "a");
  EXPECT_TRUE(batch.spacing[0].allclose(torch::tensor({2.5f, 0.7f, 0.6f})));
  EXPECT_EQ(batch.values.at("mask")[0][0][1][1][0].item<float>(), 1);  // voxel 20 is (1, 1, 0)
  EXPECT_EQ(sampler.counts(), "2 regions, 1 with nodule");
}

TEST(Sampler, FurtherImagesKeepTheirValues) {
  auto r = region("a", "p", grid(1, 2, 2));
  r.more_images["pet"] = {1, 2, 3, 40};
  const auto set = set_of({r});
  const auto pet = whole(Sampler(set, {0}, plain({2, 4}), 0, false)).values.at("pet");
  EXPECT_TRUE(pet.flatten().equal(torch::tensor({0.f, 1.f, 2.f, 0.f, 0.f, 3.f, 40.f, 0.f})));
}

TEST(Sampler, EpochsAreAFunctionOfSeedAndNumber) {
  const auto set = set_of({region("a", "p", grid(30, 2, 2))});
  const auto options = plain({2, 2});
  const Sampler a(set, {0}, options, 7, true), b(set, {0}, options, 7, true),
      c(set, {0}, options, 8, true);
  const auto slices = [](const std::vector<SampleId>& samples) {
    std::vector<int64_t> numbers;
    for (const auto& s : samples) numbers.push_back(s.slice);
    return numbers;
  };
  EXPECT_EQ(slices(a.epoch(3)), slices(b.epoch(3)));
  EXPECT_NE(slices(a.epoch(3)), slices(a.epoch(4)));
  EXPECT_NE(slices(a.epoch(3)), slices(c.epoch(3)));
  const auto order = slices(a.epoch(3));
  EXPECT_THAT(std::set<int64_t>(order.begin(), order.end()), SizeIs(30));
  const auto still = slices(Sampler(set, {0}, options, 7, false).epoch(3));
  EXPECT_TRUE(std::is_sorted(still.begin(), still.end()));
}

TEST(Sampler, BalancedTakesAllOfTheScarcerClass) {
  std::vector<size_t> nodule;
  for (size_t slice = 0; slice < 6; ++slice) nodule.push_back(slice * 4);  // 6 of 30 slices
  const auto set = set_of({region("a", "p", grid(30, 2, 2), nodule)});
  auto options = plain({2, 2});
  options.sampler = "balanced";
  const auto draw = [&](double positives, int64_t epoch = 0) {
    options.positives = positives;
    const Sampler sampler(set, {0}, options, 1, true);
    const auto samples = sampler.epoch(epoch);
    EXPECT_EQ(static_cast<int64_t>(samples.size()), sampler.size());
    std::set<int64_t> with, without;
    for (const auto& s : samples)
      EXPECT_TRUE((s.slice < 6 ? with : without).insert(s.slice).second);
    return std::pair(with, without);
  };
  EXPECT_THAT(draw(0.5).first, SizeIs(6));
  EXPECT_THAT(draw(0.5).second, SizeIs(6));
  EXPECT_NE(draw(0.5, 0).second, draw(0.5, 1).second);  // others each epoch
  EXPECT_THAT(draw(0.25).second, SizeIs(18));
  EXPECT_THAT(draw(0.1).first, SizeIs(3));  // here the slices without are too few: 24 of 90 %
  EXPECT_THAT(draw(0.1).second, SizeIs(24));
  options.positives = 0.5;
  EXPECT_EQ(Sampler(set, {0}, options, 1, true).counts(),
            "30 slices, 6 with nodule; balanced: 6 with and 6 without an epoch");
  EXPECT_EQ(Sampler(set, {0}, options, 1, false).size(), 30);
  const auto none = set_of({region("a", "p", grid(3, 2, 2), {})});
  EXPECT_THAT(error_of([&] { Sampler(none, {0}, options, 1, true); }).what(),
              HasSubstr("3 slices, 0 with nodule"));
}

TEST(Sampler, AugmentationMovesImageAndMaskAlike) {
  auto r = region("a", "p", grid(1, 4, 4));
  for (size_t i = 0; i < 16; ++i)
    r.image[i] = static_cast<float>(i) * 50 - 1000, r.mask[i] = i % 3 == 0;
  r.more_images["index"] = std::vector<float>(16);
  for (size_t i = 0; i < 16; ++i) r.more_images["index"][i] = static_cast<float>(i);
  const auto set = set_of({r});
  auto options = plain();
  options.flip = options.rotate90 = true;
  const Sampler sampler(set, {0}, options, 3, true);
  std::set<std::vector<float>> seen;
  for (int64_t epoch = 0; epoch < 200; ++epoch) {
    const auto batch = whole(sampler, epoch);
    const auto index = batch.values.at("index").flatten(),
               image = batch.values.at("image").flatten();
    ASSERT_TRUE(image.allclose(index * 0.05f));
    ASSERT_TRUE(batch.values.at("mask").flatten().equal(
        (index.to(torch::kLong) % 3 == 0).to(torch::kFloat)));
    seen.emplace(index.data_ptr<float>(), index.data_ptr<float>() + 16);
  }
  EXPECT_THAT(seen, SizeIs(8));  // the eight symmetries of a square, all of them
  options.flip = false;
  const Sampler turns(set, {0}, options, 3, true);
  seen.clear();
  for (int64_t epoch = 0; epoch < 200; ++epoch) {
    const auto index = whole(turns, epoch).values.at("index")[0][0];
    bool rotated = false;
    const auto original = torch::arange(16, torch::kFloat).view({4, 4});
    for (int64_t k = 0; k < 4; ++k) rotated |= index.equal(torch::rot90(original, k));
    ASSERT_TRUE(rotated);
    seen.emplace(index.contiguous().data_ptr<float>(), index.contiguous().data_ptr<float>() + 16);
  }
  EXPECT_THAT(seen, SizeIs(4));
}

TEST(Sampler, VolumesFlipAlongDToo) {
  const auto set = set_of({region("a", "p", grid(3, 2, 2))});
  auto options = plain({3, 2, 2});
  options.flip = true;
  const Sampler sampler(set, {0}, options, 0, true);
  std::set<float> first;
  for (int64_t epoch = 0; epoch < 100; ++epoch)
    first.insert(whole(sampler, epoch).values.at("image").flatten()[0].item<float>());
  EXPECT_THAT(first, SizeIs(8));  // each corner has been first
}

TEST(Sampler, JitterIsBoundedAndTrainingOnly) {
  auto r = region("a", "p", grid(1, 1, 2));
  r.image = {-1100, -500};  // one below the window: a shift brings it in
  const auto set = set_of({r});
  auto options = plain({1, 2});
  options.scale = 0.2, options.shift = 0.3;
  const Sampler sampler(set, {0}, options, 0, true);
  float low = 1, high = 0, brought_in = 0;
  for (int64_t epoch = 0; epoch < 500; ++epoch) {
    const auto image = whole(sampler, epoch).values.at("image").flatten();
    low = std::min(low, image[1].item<float>()), high = std::max(high, image[1].item<float>());
    brought_in = std::max(brought_in, image[0].item<float>());
    EXPECT_EQ(whole(sampler, epoch).values.at("mask").sum().item<float>(), 1);
  }
  EXPECT_NEAR(low, 0.2, 0.02);  // the middle of the window, so only the shift moves it
  EXPECT_NEAR(high, 0.8, 0.02);
  EXPECT_GT(brought_in, 0.15);
  EXPECT_LE(brought_in, 0.35);
  const auto still = whole(Sampler(set, {0}, options, 0, false)).values.at("image").flatten();
  EXPECT_TRUE(still.equal(torch::tensor({0.0f, 0.5f})));
}

struct Wrong {
  const char* message;
  void (*spoil)(config::DataOptions&);
};
class WrongOptions : public testing::TestWithParam<Wrong> {};
TEST_P(WrongOptions, AreErrorsAtConstruction) {
  const auto set = set_of({region("a", "p", grid(2, 4, 4))});
  auto options = plain();
  GetParam().spoil(options);
  const auto error = error_of([&] { Sampler(set, {0}, options, 0, true); });
  EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
  EXPECT_EQ(error.fault, Fault::request);
}
INSTANTIATE_TEST_SUITE_P(
    Sampler, WrongOptions,
    testing::Values(Wrong{"data.roi: value '[4, 4, 4]'",
                          [](auto& o) {
                            o.roi = {4, 4, 4};
                          }},
                    Wrong{"data.spacing: value '[1.0]'", [](auto& o) { o.spacing = {1}; }},
                    Wrong{"data.window",
                          [](auto& o) {
                            o.window = {5, 5};
                          }},
                    Wrong{"data: option 'channels': value 'pet', which is no channel",
                          [](auto& o) {
                            o.channels = {"ct", "pet"};
                          }},
                    Wrong{"data.augment.rotate90",
                          [](auto& o) {
                            o.rotate90 = true, o.roi = {4, 6};
                          }},
                    Wrong{"data.sampler: value 'some'", [](auto& o) { o.sampler = "some"; }}));

TEST(Sampler, RotatingOblongVoxelsIsNoted) {
  const auto set = set_of({region("a", "p", grid(1, 4, 4, {1, 1, 0.5}))});
  auto options = plain();
  options.rotate90 = true;
  EXPECT_THAT(Sampler(set, {0}, options, 0, true).notes(),
              testing::ElementsAre(HasSubstr("1 regions have voxels")));
}

TEST(ToRegion, UndoesCropAndPadding) {
  auto r = region("a", "p", grid(3, 5, 8), {0, 20, 44, 60, 119});
  const auto set = set_of({r});
  for (const auto& roi :
       {std::vector<int64_t>{4, 4}, {7, 7}, {6, 4}, {3, 5, 8}, {4, 4, 9}, {1, 2, 3}}) {
    const auto options = plain(roi);
    const auto batch = whole(Sampler(set, {0}, options, 0, false));
    const auto back = to_region(batch.values.at("mask"), r, options);
    ASSERT_EQ(back.size(), r.mask.size());
    double inside = 0;
    for (size_t i = 0; i < back.size(); ++i) {
      EXPECT_TRUE(back[i] == 0 || r.mask[i] == 1) << i;  // nothing moves
      inside += back[i];
    }
    EXPECT_EQ(inside, batch.values.at("mask").sum().item<float>());
  }
}

TEST(ToRegion, UndoesResampling) {
  auto r = region("a", "p", grid(6, 40, 40, {2.5, 0.7, 0.7}), {});
  for (int64_t z = 0; z < 6; ++z)
    for (int64_t y = 0; y < 40; ++y)
      for (int64_t x = 0; x < 40; ++x) {
        const double dz = static_cast<double>(z - 3) * 2.5, dy = static_cast<double>(y - 20) * 0.7,
                     dx = static_cast<double>(x - 15) * 0.7;
        r.mask[static_cast<size_t>((z * 40 + y) * 40 + x)] = dz * dz + dy * dy + dx * dx < 36;
      }
  const auto set = set_of({r});
  for (const bool volumes : {false, true}) {
    auto options = plain(volumes ? std::vector<int64_t>{16, 32, 32} : std::vector<int64_t>{32, 32});
    options.spacing = volumes ? std::vector<double>{1, 1, 1} : std::vector<double>{1, 1};
    const auto batch = whole(Sampler(set, {0}, options, 0, false));
    EXPECT_FLOAT_EQ(batch.spacing[0][0].item<float>(), 1);
    const auto back = to_region(batch.values.at("mask"), r, options);
    double both = 0, either = 0;
    for (size_t i = 0; i < back.size(); ++i) {
      both += back[i] >= 0.5f && r.mask[i], either += (back[i] >= 0.5f) + r.mask[i];
    }
    EXPECT_GT(2 * both / either, 0.95);
  }
}

TEST(ToRegion, RefusesAnotherShape) {
  const auto r = region("a", "p", grid(3, 4, 4));
  EXPECT_THAT(error_of([&] {
                to_region(torch::zeros({2, 1, 4, 4}), r, plain());
              }).what(),
              HasSubstr("'a': probabilities of shape [2, 1, 4, 4], expected [3, 1, 4, 4]"));
}

}  // namespace
}  // namespace hilum::data
