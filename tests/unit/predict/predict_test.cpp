// SPDX-License-Identifier: Apache-2.0
// Regions of an image are predicted as evaluate() predicts the same regions of a ROI set.
#include "core/predict/predict.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "core/train/evaluate.hpp"
#include "core/util/random.hpp"
#include "tests/parts/kit.hpp"

namespace hilum::predict {
namespace {
using ::testing::HasSubstr;

const std::string kFlat = "dims = 2\nroi = [12, 14]\n", kDeep = "dims = 3\nroi = [4, 12, 14]\n";
// Thresholds the image itself, so that a mask that is one voxel off shows.
const std::string kThreshold =
    "[backbone.a]\nplugin = \"test_plain\"\n[backbone.b]\nplugin = \"test_pyramid\"\n"
    "[head.mask]\nplugin = \"test_threshold\"\non = \"a.S1\"\n"
    "[head.nodule]\nplugin = \"test_nodule\"\non = \"b.S3\"\n";
// A convolution that is not indifferent to flips.
const std::string kLearned =
    "[backbone.b]\nplugin = \"test_pyramid\"\n[head.mask]\nplugin = \"test_mask\"\non = \"b.S1\"\n"
    "[head.nodule]\nplugin = \"test_nodule\"\non = \"b.S3\"\n";

Member member(const std::string& data, const std::string& parts, int seed = 1) {
  const auto a = kit::assemble("[experiment]\nseed = " + std::to_string(seed) +
                               "\n[data]\nwindow = [0, 1]\nfill = 0.25\n" + data +
                               "[train]\nbatch = 4\n" + parts);
  Member m{.run = "run" + std::to_string(seed), .checkpoint = "last.pt", .setup = {}};
  m.setup.experiment = a.experiment, m.setup.plugins = a.plugins, m.setup.model = a.model;
  m.setup.model->eval();
  return m;
}

data::Volume image() {
  data::Volume v{{.size = {9, 40, 44}, .spacing = {2.5, 0.7, 0.6}, .origin = {-20, 10, 300}}, {}};
  util::Random random({7});
  v.voxels.resize(static_cast<size_t>(data::voxels(v.geometry)));
  for (auto& voxel : v.voxels) voxel = static_cast<float>(random.uniform());
  return v;
}

// The first lies at a corner, so that its region reaches beyond the image.
std::vector<Place> places(const data::Geometry& g) {
  std::vector<Place> all;
  for (const Voxel& at : {Voxel{1, 2.2, 3}, Voxel{4, 20.3, 16}, Voxel{6, 30, 38.6}})
    all.push_back({.id = "n" + std::to_string(all.size()),
                   .image = {},
                   .centre = data::to_world(g, at),
                   .diameter = 8,
                   .where = {}});
  return all;
}

// As a person would make a ROI set of the same places, with the prediction as its masks.
data::RegionSet regions(const data::Volume& v, const Prediction& p, const Member& m) {
  const auto& o = m.setup.experiment.data;
  const bool flat = o.dims == 2;
  const data::Volume mask{v.geometry, {p.mask.begin(), p.mask.end()}};
  data::RegionSet set;
  for (const auto& place : places(v.geometry)) {
    std::array<int64_t, 3> size{5, 12, 14};  // 8 mm x 1.5 are 5 slices of 2.5 mm
    if (!flat) size[0] = 4;
    for (size_t a = 1; a < 3 && !o.spacing.empty(); ++a)
      size[a] = 2 + static_cast<int64_t>(std::ceil(static_cast<double>(size[a]) * o.spacing[a - 1] /
                                                   v.geometry.spacing[a]));
    Box box = box_at(data::to_voxel(v.geometry, place.centre), size);
    if (flat) {
      const int64_t end = std::min<int64_t>(9, box.from[0] + box.size[0]);
      box.from[0] = std::max<int64_t>(0, box.from[0]), box.size[0] = end - box.from[0];
    }
    data::Region region;
    region.id = place.id, region.patient = "p", region.geometry = cut(v, box, 0).geometry;
    region.image = cut(v, box, o.fill).voxels;
    const auto truth = cut(mask, box, 0).voxels;
    region.mask.assign(truth.begin(), truth.end());
    set.regions.push_back(region);
  }
  return set;
}

TEST(Predict, ARegionIsSeenAsInEvaluation) {
  const auto v = image();
  for (const std::string& data : {kFlat, kDeep, kFlat + "spacing = [0.9, 0.8]\n"}) {
    Member m = member(data, kThreshold);
    const auto set_of = [&](const Prediction& p) { return regions(v, p, m); };
    Predictor predictor({m}, {});
    const auto p = predictor.at(v, places(v.geometry), "image");
    const auto foreground = std::count(p.mask.begin(), p.mask.end(), 1);
    EXPECT_GT(foreground, 300) << data;
    const auto set = set_of(p);
    const data::Sampler sampler(set, {0, 1, 2}, m.setup.experiment.data, 0, false);
    const auto e = train::evaluate(*m.setup.model, sampler, {}, 4);
    ASSERT_EQ(p.nodules.size(), 3u);
    size_t values = 0, masks = 0;
    for (const auto& figure : e.cases) {
      const auto& nodule = p.nodules.at(static_cast<size_t>(figure.nodule.back() - '0'));
      if (figure.name == "nodule.predicted") {
        EXPECT_EQ(nodule.values.at(0).all, figure.value) << data;
        ++values;
      }
      if (figure.name == "mask.hd" && figure.nodule != "n0") {
        EXPECT_EQ(figure.value, 0) << data << figure.nodule;
        ++masks;
      }
    }
    EXPECT_EQ(values, 3u);
    EXPECT_GE(masks, 2u);
    EXPECT_EQ(p.nodules[1].values.at(0).name, "nodule");
    EXPECT_EQ(p.nodules[1].slices, data.starts_with("dims = 2") ? 5 : 4);
  }
}

TEST(Predict, ThresholdOfTheImageComesBackToItsVoxels) {
  const auto v = image();
  Predictor predictor({member(kFlat, kThreshold)}, {});
  const auto p = predictor.at(v, places(v.geometry), "image");
  for (size_t i = 0; i < v.voxels.size(); ++i)
    if (p.probability[i] > 0) {
      EXPECT_NEAR(p.probability[i], 1 / (1 + std::exp(-20 * (v.voxels[i] - 0.5))), 1e-5);
      EXPECT_EQ(p.mask[i], v.voxels[i] > 0.5f);
    }
  // A corner of the image cuts the first region, a side the last.
  EXPECT_EQ(
      std::count_if(p.probability.begin(), p.probability.end(), [](float q) { return q > 0; }),
      4 * 9 * 11 + 5 * 12 * 14 + 5 * 12 * 12);
}

TEST(Predict, EqualsUnderEveryOrderOfAxes) {
  const auto v = image();
  Predictor predictor({member(kFlat, kLearned)}, {.lps = true});
  const auto expected = predictor.at(v, places(v.geometry), "image");
  const auto whole = predictor.whole(v, "image");
  for (const Turn& turn :
       {Turn{{0, 1, 2}, {false, true, true}}, Turn{{0, 1, 2}, {true, false, false}},
        Turn{{2, 0, 1}, {false, true, false}}}) {
    const data::Volume other{turned(v.geometry, turn),
                             turned<float>(v.voxels, v.geometry.size, turn)};
    const auto p = predictor.at(other, places(v.geometry), "image");
    EXPECT_EQ(p.mask, turned<uint8_t>(expected.mask, v.geometry.size, turn));
    EXPECT_EQ(p.probability, turned<float>(expected.probability, v.geometry.size, turn));
    EXPECT_EQ(predictor.whole(other, "image").probability,
              turned<float>(whole.probability, v.geometry.size, turn));
  }
  Predictor stored({member(kFlat, kLearned)}, {.lps = false});
  const Turn turn{{0, 1, 2}, {false, true, true}};
  const data::Volume other{turned(v.geometry, turn),
                           turned<float>(v.voxels, v.geometry.size, turn)};
  EXPECT_NE(stored.at(other, places(v.geometry), "image").probability,
            turned<float>(expected.probability, v.geometry.size, turn));
}

// Slices of another plane are those of an image whose axes were turned beforehand.
TEST(Predict, AViewTurnsTheImageAndComesBack) {
  auto v = image();
  v.geometry.size = {18, 44, 20};
  for (const std::string view : {"coronal", "sagittal"}) {
    const Turn turn = data::view_turn(view);
    const data::Volume other{turned(v.geometry, turn),
                             turned<float>(v.voxels, v.geometry.size, turn)};
    Predictor seen({member(kFlat + "view = \"" + view + "\"\n", kLearned)}, {}),
        plain({member(kFlat, kLearned)}, {.lps = false});
    const auto some = [&] {
      std::vector<Place> all = places(v.geometry);
      for (auto& place : all) place.centre = data::to_world(v.geometry, {9, 20, 10});
      return all;
    }();
    const auto a = seen.at(v, some, "image"), b = plain.at(other, some, "image");
    EXPECT_EQ(turned<float>(a.probability, v.geometry.size, turn), b.probability) << view;
    EXPECT_EQ(turned<float>(seen.whole(v, "image").probability, v.geometry.size, turn),
              plain.whole(other, "image").probability)
        << view;
    EXPECT_DOUBLE_EQ(a.size.volume, b.size.volume);
    EXPECT_DOUBLE_EQ(a.size.axial, measure(a.mask, v.geometry).axial) << "axial, not of the view";
  }
}

// A wider crop is cut from the image as from a region of that extent.
TEST(Predict, WiderCropsComeFromTheImage) {
  const auto v = image();
  const std::string wide =
      "[backbone.a]\nplugin = \"test_plain\"\ninputs = { image = "
      "\"input.x2\" }\n[head.mask]\nplugin = \"test_threshold\"\n"
      "on = \"a.S1\"\n";
  const auto m = member(kFlat + "crops = [2]\n", wide);
  Predictor predictor({m}, {});
  const auto p = predictor.at(v, places(v.geometry), "image");
  const Box box = box_at(data::to_voxel(v.geometry, places(v.geometry)[1].centre), {5, 24, 28});
  data::RegionSet set;
  set.regions.resize(1);
  const auto cropped = cut(v, box, 0.25);
  set.regions[0].geometry = cropped.geometry, set.regions[0].image = cropped.voxels;
  set.regions[0].mask.resize(cropped.voxels.size());
  const data::Sampler sampler(set, {0}, m.setup.experiment.data, 0, false);
  const auto batch = sampler.load(sampler.epoch(0), 0, 0);
  const auto expected = torch::sigmoid(20 * (batch.values.at("x2") - 0.5)).contiguous();
  const auto& g = v.geometry.size;
  for (int64_t d = 0; d < 5; ++d)
    for (int64_t y = 0; y < 12; ++y)
      for (int64_t x = 0; x < 14; ++x)
        EXPECT_NEAR(
            p.probability[static_cast<size_t>(
                ((box.from[0] + d) * g[1] + box.from[1] + 6 + y) * g[2] + box.from[2] + 7 + x)],
            expected[d][0][y][x].item<float>(), 1e-5);
  try {
    predictor.whole(v, "image");
    ADD_FAILURE() << "a sliding window has no wider crop";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("--centres"));
  }
}

TEST(Predict, AnEnsembleIsTheMean) {
  const auto v = image();
  const auto run = [&](std::vector<Member> members) {
    return Predictor(std::move(members), {}).at(v, places(v.geometry), "image");
  };
  const auto a = run({member(kFlat, kLearned, 1)}), b = run({member(kFlat, kLearned, 2)}),
             both = run({member(kFlat, kLearned, 1), member(kFlat, kLearned, 2)});
  double apart = 0;
  for (size_t i = 0; i < a.probability.size(); ++i) {
    ASSERT_NEAR(both.probability[i], 0.5f * (a.probability[i] + b.probability[i]), 1e-6);
    apart = std::max(apart, std::abs(static_cast<double>(a.probability[i] - b.probability[i])));
  }
  EXPECT_GT(apart, 0.01);
  EXPECT_NEAR(both.nodules[0].values[0].all,
              (a.nodules[0].values[0].all + b.nodules[0].values[0].all) / 2, 1e-12);
}

TEST(Predict, FlipsAreTheMeanOverHandMadeOnes) {
  const auto v = image();
  for (const bool flat : {true, false}) {
    Member m = member(flat ? kFlat : kDeep, kLearned);
    Predictor predictor({m}, {.flips = true});
    const auto place = places(v.geometry)[1];
    const auto p = predictor.at(v, {place}, "image");
    const Box box = box_at(data::to_voxel(v.geometry, place.centre), {flat ? 5 : 4, 12, 14});
    const auto voxels = cut(v, box, 0).voxels;
    auto x = torch::tensor(voxels).reshape({box.size[0], 1, 12, 14});
    if (!flat) x = x.transpose(0, 1).unsqueeze(0);
    torch::Tensor sum = torch::zeros_like(x);
    int count = 0;
    for (const bool d : {false, true})
      for (const bool h : {false, true})
        for (const bool w : {false, true}) {
          if (flat && d) continue;
          std::vector<int64_t> axes;
          if (d) axes.push_back(-3);
          if (h) axes.push_back(-2);
          if (w) axes.push_back(-1);
          const torch::NoGradGuard no_grad;
          sum += m.setup.model->forward({{"image", x.flip(axes)}})
                     .at("mask")
                     .at("probability")
                     .flip(axes);
          ++count;
        }
    const auto mean = (sum / count).contiguous();
    const auto seen = cut({v.geometry, p.probability}, box, 0).voxels;
    for (size_t i = 0; i < seen.size(); ++i)
      ASSERT_NEAR(seen[i], mean.data_ptr<float>()[i], 1e-5) << flat << i;
  }
}

TEST(Predict, RefusesWhatDoesNotFit) {
  const auto refused = [](std::vector<Member> members, Settings settings = {}) {
    const auto error = kit::error_of([&] { Predictor(std::move(members), std::move(settings)); });
    EXPECT_EQ(error.fault, Fault::request);
    return std::string(error.what());
  };
  const std::string bare =
      "[backbone.b]\nplugin = \"test_pyramid\"\n"
      "[head.nodule]\nplugin = \"test_nodule\"\non = \"b.S3\"\n";
  EXPECT_THAT(refused({member(kFlat, bare)}), HasSubstr("no head that makes a mask"));
  EXPECT_THAT(refused({member(kFlat, kLearned)}, {.head = "maks"}),
              HasSubstr("Did you mean 'mask'?"));
  EXPECT_THAT(refused({member(kFlat, kLearned), member(kDeep, kLearned, 2)}),
              HasSubstr("see the same regions"));
  EXPECT_THAT(refused({member(kFlat, kLearned), member(kFlat, kLearned)}), HasSubstr("twice"));
  EXPECT_THAT(refused({member(kDeep, kLearned)}, {.depth = 10}), HasSubstr("--depth"));
}
}  // namespace
}  // namespace hilum::predict
