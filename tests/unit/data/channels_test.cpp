// SPDX-License-Identifier: Apache-2.0
#include <torch/torch.h>

#include <map>
#include <set>

#include "channels_fixture.hpp"
#include "core/data/samples.hpp"

namespace hilum::data {
namespace {
using config::Channel;
using config::parse_channel;
using testing::HasSubstr;

TEST(ChannelNames, AreARuleAWindowAndAnOffset) {
  using Rule = Channel::Rule;
  EXPECT_EQ(parse_channel("ct", kWindow), (Channel{Rule::ct, 2, {-1000, 400}, 0}));
  EXPECT_EQ(parse_channel("ct[-160, 240]", kWindow), (Channel{Rule::ct, 2, {-160, 240}, 0}));
  EXPECT_EQ(parse_channel("ct-1", kWindow), (Channel{Rule::ct, 2, {-1000, 400}, -1}));
  EXPECT_EQ(parse_channel("otsu", kWindow), (Channel{Rule::otsu, 2, {-1000, 400}, 0}));
  EXPECT_EQ(parse_channel("otsu3", kWindow), (Channel{Rule::otsu, 3, {-1000, 400}, 0}));
  EXPECT_EQ(parse_channel("slic[-900,400.5]+2", kWindow),
            (Channel{Rule::slic, 2, {-900, 400.5}, 2}));
}

TEST(ChannelNames, WhatIsNoneIsAWrongRequest) {
  const std::map<std::string, std::string> wrong = {{"otzu", "Did you mean 'otsu'?"},
                                                    {"", "which is no channel"},
                                                    {"ct[1,2", "has no ']'"},
                                                    {"ct[2,1]", "low below high"},
                                                    {"ct[1]", "low below high"},
                                                    {"ct[]", "low below high"},
                                                    {"ct[,]", "low below high"},
                                                    {"ct[1,nan]", "low below high"},
                                                    {"ct[-1e9,0]", "low below high"},
                                                    {"ct+0", "no neighbouring slice"},
                                                    {"ct+17", "no neighbouring slice"},
                                                    {"ct+", "no neighbouring slice"},
                                                    {"ct--1", "no neighbouring slice"},
                                                    {"ct+1.5", "no neighbouring slice"},
                                                    {"ct[1,2]1", "no neighbouring slice"},
                                                    {"otsu9", "Did you mean 'otsu"}};
  for (const auto& [text, message] : wrong) {
    const auto error = error_of([&, text = text] { parse_channel(text, kWindow); });
    EXPECT_EQ(error.fault, Fault::request) << text;
    EXPECT_THAT(error.what(), HasSubstr(message)) << text;
    EXPECT_THAT(error.what(), HasSubstr("value '" + text + "'"));
  }
  config::DataOptions o;
  o.channels = {"ct", "ct[-1000,400]"};
  EXPECT_THAT(error_of([&] { channels(o); }).what(), HasSubstr("stands twice"));
  o.channels = {"ct", "ct+1"};
  EXPECT_EQ(channels(o).size(), 2U);
  o.dims = 3;
  EXPECT_THAT(error_of([&] { channels(o); }).what(), HasSubstr("data.dims = 3"));
}

/// Otsu (1979) as it is written: the thresholds of 256 bins with the largest variance between the
/// classes, tried one after the other.
std::vector<float> plain_otsu(const std::vector<float>& values, int classes) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  std::array<double, 257> count{}, sum{};  // of all bins below
  const auto bin = [&, low = *low, high = *high](float v) {
    return std::min(255, static_cast<int>(256 * (static_cast<double>(v) - low) / (high - low)));
  };
  for (const float v : values)
    for (auto b = static_cast<size_t>(bin(v)) + 1; b <= 256; ++b) ++count[b], sum[b] += bin(v);
  const auto spread = [&](int from, int to) {
    const auto f = static_cast<size_t>(from), t = static_cast<size_t>(to);
    const double n = count[t] - count[f], s = sum[t] - sum[f];
    return n > 0 ? s * s / n : 0;
  };
  double best = -1;
  std::array<int, 2> cut{};
  for (int a = 1; a < 256; ++a)
    for (int b = classes == 2 ? 256 : a + 1; b <= (classes == 2 ? 256 : 255); ++b)
      if (const double v = spread(0, a) + spread(a, b) + spread(b, 256); v > best * (1 + 1e-12))
        best = v, cut = {a, b};
  std::vector<float> out;
  for (const float v : values)
    out.push_back(static_cast<float>((bin(v) >= cut[0]) + (bin(v) >= cut[1])) /
                  static_cast<float>(classes - 1));
  return out;
}

TEST(Otsu, IsTheThresholdWithTheLargestVarianceBetweenClasses) {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const auto values = blobs({{2, 17, 19}, {1, 1, 1}}, seed);
    for (const int classes : {2, 3}) {
      const auto is = otsu(values, classes);
      EXPECT_EQ(is, plain_otsu(values, classes)) << classes;
      EXPECT_EQ(std::set<float>(is.begin(), is.end()).size(), static_cast<size_t>(classes));
    }
  }
  const auto four = otsu(blobs({{1, 40, 40}, {1, 1, 1}}), 4);
  EXPECT_EQ(std::set<float>(four.begin(), four.end()), (std::set<float>{0, 1.0f / 3, 2.0f / 3, 1}));
  EXPECT_EQ(otsu(std::vector<float>{0.5f, 0.5f}, 3), (std::vector<float>{0, 0}));
}

TEST(Slic, SuperpixelsCoverThePlaneAtTheGridsDistance) {
  const Grid plane{{1, 44, 50}, {2.5, 0.7, 0.7}};  // not whole grids of 6
  const auto values = blobs(plane);
  const auto labels = superpixels(values, plane, {});
  ASSERT_EQ(labels.size(), values.size());
  const std::set<int32_t> all(labels.begin(), labels.end());
  EXPECT_EQ(*all.begin(), 0);
  EXPECT_EQ(*all.rbegin() + 1, static_cast<int32_t>(all.size())) << "numbered without gaps";
  EXPECT_GE(all.size(), 60U);  // 44 x 50 voxels are 61 cells of 6 x 6
  EXPECT_LE(all.size(), 80U);
  EXPECT_EQ(labels, superpixels(values, plane, {})) << "the same each time";
  const std::set<int32_t> few = [&] {
    const auto coarse = superpixels(values, plane, {.grid = 12});
    return std::set<int32_t>(coarse.begin(), coarse.end());
  }();
  EXPECT_LT(few.size(), 30U);
}

TEST(Slic, MeansAreConstantInASuperpixelAndThatOfItsVoxels) {
  const Grid plane{{1, 30, 36}, {1, 1, 1}};
  const auto values = blobs(plane);
  const auto labels = superpixels(values, plane, {});
  const auto mean = means(values, labels);
  const auto channel = make_channel(hu_of(values), plane, rule_of("slic"), nullptr);
  for (size_t i = 0; i < values.size(); ++i) ASSERT_NEAR(channel[i], mean[i], 0.1);
  std::map<int32_t, std::pair<double, int>> sums;
  for (size_t i = 0; i < values.size(); ++i)
    sums[labels[i]].first += values[i], ++sums[labels[i]].second;
  double inside = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto& [sum, count] = sums[labels[i]];
    ASSERT_NEAR(mean[i], sum / count, 1e-6);
    inside += std::abs(values[i] - mean[i]);
  }
  // Edges of the blobs are kept: only the noise is averaged away.
  EXPECT_LT(inside / static_cast<double>(values.size()), 0.05);
}

TEST(Slic, NoiseWithoutCompactnessLosesSuperpixelsButNoVoxel) {
  util::Random random({3});
  for (const Grid& grid : {Grid{{1, 21, 23}, {1, 1, 1}}, Grid{{5, 13, 11}, {2.5, 0.7, 0.7}}})
    for (const int64_t cell : {2, 3, 6}) {
      std::vector<float> values(static_cast<size_t>(grid.size[0] * grid.size[1] * grid.size[2]));
      for (auto& v : values) v = random.chance(0.5) ? 1.0f : static_cast<float>(random.uniform());
      const auto labels = superpixels(values, grid, {cell, 1e-6, 30});
      EXPECT_EQ(labels.size(), values.size());
      EXPECT_GE(*std::min_element(labels.begin(), labels.end()), 0);
      for (const float v : means(values, labels)) ASSERT_TRUE(v >= 0 && v <= 1) << v;
    }
}

TEST(Slic, ASmallOrFlatRegionIsFine) {
  const Grid small{{1, 2, 3}, {1, 1, 1}};
  EXPECT_EQ(superpixels(std::vector<float>(6, 0.25f), small, {}).size(), 6U);
  const Grid flat{{3, 24, 24}, {2.5, 0.7, 0.7}};
  const std::vector<float> values(3 * 24 * 24, 0.25f);
  for (const float v : means(values, superpixels(values, flat, {}))) ASSERT_EQ(v, 0.25f);
}

TEST(Slic, CellsAreAsThickInMillimetresAsWide) {
  const Grid thick{{12, 18, 18}, {2, 1, 1}};  // 6 voxels in plane: 3 slices
  const auto labels = superpixels(blobs(thick), thick, {});
  const std::set<int32_t> all(labels.begin(), labels.end());
  EXPECT_NEAR(static_cast<double>(all.size()), 4 * 3 * 3, 6);
}

TEST(SamplerChannels, StandInTheirOrderWithWindowsAndNeighboursByHand) {
  const auto set = three_slices();
  const Sampler sampler(
      set, {0}, options_of({"ct+1", "ct[-900,-700]", "ct", "ct[-900,-700]-1", "otsu"}), 0, false);
  const auto image = sampler.load(sampler.epoch(0), 0, 0).values.at("image");
  ASSERT_EQ(image.sizes(), (std::vector<int64_t>{3, 5, 4, 4}));
  for (int64_t s = 0; s < 3; ++s)
    for (int64_t i = 0; i < 16; ++i) {
      const auto at = [&](int64_t c) { return image[s][c].flatten()[i].item<float>(); };
      const auto hu = [&](int64_t slice) {
        return static_cast<float>(std::clamp<int64_t>(slice, 0, 2) * 16 + i) * 25 - 1000;
      };
      const auto narrow = [](float v) { return std::clamp((v + 900) / 200, 0.0f, 1.0f); };
      EXPECT_FLOAT_EQ(at(0), std::clamp((hu(s + 1) + 1000) / 1000, 0.0f, 1.0f));
      EXPECT_NEAR(at(1), narrow(hu(s)), 1e-6);
      EXPECT_FLOAT_EQ(at(2), std::clamp((hu(s) + 1000) / 1000, 0.0f, 1.0f));
      EXPECT_NEAR(at(3), narrow(hu(s - 1)), 1e-6);
      if (s < 2) {  // of each slice for itself: the brighter half (the last one is nearly clipped)
        EXPECT_EQ(at(4), i < 8 ? 0.0f : 1.0f) << s << " " << i;
      }
    }
}

TEST(SamplerChannels, PaddingIsFillInEachWindowAndNoClass) {
  const auto set = three_slices();
  auto o = options_of({"ct", "ct[-2000,0]", "otsu", "slic"}, {6, 4});
  o.fill = -500;
  const Sampler sampler(set, {0}, o, 0, false);
  const auto image = sampler.load(sampler.epoch(0), 0, 0).values.at("image");
  const float expected[] = {0.5f, 0.75f, 0, 0.5f};
  for (int64_t c = 0; c < 4; ++c)
    EXPECT_FLOAT_EQ(image[1][c][0][0].item<float>(), expected[c]) << c;
}

TEST(SamplerChannels, VolumesAreOneImage) {
  const auto set = three_slices();
  const Sampler sampler(set, {0}, options_of({"ct", "otsu"}, {3, 4, 4}), 0, false);
  const auto image = sampler.load(sampler.epoch(0), 0, 0).values.at("image");
  ASSERT_EQ(image.sizes(), (std::vector<int64_t>{1, 2, 3, 4, 4}));
  // One threshold for the region: its darker part is 0, and each slice is not halved.
  const auto classes = image[0][1].flatten();
  for (int64_t i = 1; i < 48; ++i)
    EXPECT_LE(classes[i - 1].item<float>(), classes[i].item<float>());
  EXPECT_EQ(image[0][1][0].sum().item<float>(), 0);
}

TEST(SamplerChannels, AugmentationMovesAllAlikeAndChangesIntensitiesInHu) {
  const auto set = three_slices();
  auto o = options_of({"ct", "ct[-1000,1000]", "otsu"});
  o.flip = o.rotate90 = true;
  o.scale = 0.2, o.shift = 0.1;
  const Sampler train(set, {0}, o, 0, true), plain(set, {0}, o, 0, false);
  const auto untouched = plain.load(plain.epoch(0), 0, 0);
  bool moved = false;
  for (int64_t epoch = 0; epoch < 8; ++epoch) {
    const auto batch = train.load(train.epoch(epoch), epoch, 0);
    for (int64_t n = 0; n < 3; ++n) {
      const auto image = batch.values.at("image")[n];
      const auto classes =
          untouched.values.at("image")[batch.samples[static_cast<size_t>(n)].slice][2];
      EXPECT_EQ(image[2].sum().item<float>(), classes.sum().item<float>());
      moved = moved || !image[2].equal(classes);
      // Where nothing is clipped, both windows show the same HU.
      const auto hu = image[0] * 1000 - 1000, wide = image[1] * 2000 - 1000;
      const auto inside = (image[0] > 0) & (image[0] < 1) & (image[1] > 0);
      EXPECT_LT(((hu - wide).abs() * inside).max().item<float>(), 0.01);
    }
  }
  EXPECT_TRUE(moved);
}

}  // namespace
}  // namespace hilum::data
