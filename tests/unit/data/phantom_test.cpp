// SPDX-License-Identifier: Apache-2.0
#include "core/data/phantom.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/util/random.hpp"
#include "fixture.hpp"

namespace hilum::data {
namespace {
using testing::HasSubstr;
using testing::SizeIs;

double mean_inside(const Region& r, uint8_t label) {
  double sum = 0, count = 0;
  for (size_t i = 0; i < r.image.size(); ++i)
    if (r.mask[i] == label) sum += r.image[i], ++count;
  return sum / count;
}

bool is(const Region& r, const char* type) { return r.id.ends_with(std::string("_") + type); }

TEST(Random, IsTheReferenceSequence) {
  // Fixed numbers: a change of the generator would change every phantom and every augmentation.
  util::Random random({1, 2});
  const uint64_t first = random.next();
  EXPECT_EQ(util::Random({1, 2}).next(), first);
  EXPECT_NE(util::Random({2, 1}).next(), first);
  double sum = 0, squares = 0;
  for (int i = 0; i < 100000; ++i) {
    const double v = random.normal();
    sum += v, squares += v * v;
  }
  EXPECT_NEAR(sum / 1e5, 0, 0.02);
  EXPECT_NEAR(squares / 1e5, 1, 0.02);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts[random.below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 500);
}

TEST(Phantom, IsAFunctionOfTheSeed) {
  config::DataOptions options;
  options.count = 6, options.patients = 2;
  const auto a = make_phantoms(options), b = make_phantoms(options);
  EXPECT_EQ(a.fingerprint, b.fingerprint);
  EXPECT_EQ(a.regions[5].image, b.regions[5].image);
  options.phantom_seed = 1;
  EXPECT_NE(make_phantoms(options).regions[5].image, a.regions[5].image);
}

TEST(Phantom, HasTheNoduleTypesOfThePaper) {
  const auto set = make_phantoms({});
  ASSERT_THAT(set.regions, SizeIs(60));
  std::map<std::string, int> types;
  std::set<std::string> ids, patients;
  for (const auto& r : set.regions) {
    ++types[r.id.substr(r.id.find('_', 5) + 1)];
    ids.insert(r.id), patients.insert(r.patient);
    EXPECT_NEAR(r.geometry.spacing[0], 2.5, 1e-12);
    const auto voxels = std::count(r.mask.begin(), r.mask.end(), 1);
    EXPECT_GT(voxels, 3) << r.id;
    EXPECT_LT(voxels, static_cast<int64_t>(r.mask.size() / 4)) << r.id;
    const double inside = mean_inside(r, 1);
    if (is(r, "ground_glass")) {
      EXPECT_LT(inside, -300) << r.id;
    }
    if (is(r, "calcified")) {
      EXPECT_GT(*std::max_element(r.image.begin(), r.image.end()), 300) << r.id;
    }
    if (is(r, "isolated")) {
      EXPECT_GT(inside, -350) << r.id;
    }
  }
  EXPECT_THAT(types, SizeIs(5));
  for (const auto& [type, count] : types) EXPECT_EQ(count, 12) << type;
  EXPECT_THAT(ids, SizeIs(60));
  EXPECT_THAT(patients, SizeIs(20));
}

// What a network is for: the best threshold of the intensity alone is a poor segmentation.
TEST(Phantom, AThresholdIsNotEnough) {
  const auto set = make_phantoms({});
  double best = 0;
  for (int hu = -800; hu < 200; hu += 50) {
    double dice = 0;
    for (const auto& r : set.regions) {
      double both = 0, either = 0;
      for (size_t i = 0; i < r.image.size(); ++i) {
        const bool bright = r.image[i] > static_cast<float>(hu);
        both += bright && r.mask[i], either += bright + r.mask[i];
      }
      dice += 2 * both / either / 60;
    }
    best = std::max(best, dice);
  }
  EXPECT_LT(best, 0.6);
  EXPECT_GT(best, 0.1);
}

TEST(Phantom, RatingsFollowTheShape) {
  config::DataOptions options;
  options.count = 200;
  const auto set = make_phantoms(options);
  EXPECT_THAT(set.target_names, SizeIs(8));
  double size[2] = {}, count[2] = {};
  for (const auto& r : set.regions) {
    for (const auto& name : set.target_names) {
      const double value = r.targets.at(name);
      EXPECT_GE(value, 1) << r.id << " " << name;
      EXPECT_LE(value, name == "calcification" ? 6 : 5) << r.id << " " << name;
      EXPECT_EQ(value * 4, std::round(value * 4));
    }
    EXPECT_EQ(r.targets.at("calcification") < 6, is(r, "calcified")) << r.id;
    const bool malignant = r.targets.at("malignancy") > 3;
    size[malignant] += std::count(r.mask.begin(), r.mask.end(), 1), ++count[malignant];
    if (is(r, "ground_glass")) {
      EXPECT_LT(r.targets.at("texture"), 3);
    }
    if (is(r, "isolated")) {
      EXPECT_GT(r.targets.at("texture"), 3.5);
    }
  }
  EXPECT_GT(count[0], 40);
  EXPECT_GT(count[1], 40);
  EXPECT_GT(size[1] / count[1], 2 * size[0] / count[0]);
}

TEST(Phantom, AnyGridHasANodule) {
  config::DataOptions options;
  options.count = 25, options.patients = 5;
  for (const auto& size : {std::vector<int64_t>{1, 8, 8}, {3, 40, 20}, {40, 16, 16}}) {
    options.size = size;
    for (const double spacing : {0.5, 3.0}) {
      options.phantom_spacing = {spacing * 2, spacing, spacing};
      for (const auto& r : make_phantoms(options).regions)
        EXPECT_TRUE(std::find(r.mask.begin(), r.mask.end(), 1) != r.mask.end()) << r.id;
    }
  }
}

TEST(Phantom, ThroughReadRegions) {
  config::DataOptions options;
  const auto set = read_regions(options);
  EXPECT_EQ(set.name, "phantom");
  for (const auto& r : set.regions) {
    const double m = r.targets.at("malignancy");
    EXPECT_TRUE(m == 0 || m == 1 || std::isnan(m));
    EXPECT_TRUE(set.folds.contains(r.id));
  }
  EXPECT_THAT(check_leakage(set, make_split(set, options, 0), options), testing::IsEmpty());
  options.malignancy = "raw";
  EXPECT_GT(read_regions(options).regions[0].targets.at("malignancy"), 1);
  options.size = {4, 4};
  EXPECT_THAT(error_of([&] { read_regions(options); }).what(), HasSubstr("data.phantom.size"));
}

}  // namespace
}  // namespace hilum::data
