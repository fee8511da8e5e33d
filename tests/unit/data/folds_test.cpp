// SPDX-License-Identifier: Apache-2.0
#include "core/data/folds.hpp"

#include <set>

#include "fixture.hpp"

namespace hilum::data {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Twenty patients with two regions each; all pixels differ.
RegionSet twenty() {
  RegionSet set;
  set.name = "twenty";
  for (int i = 0; i < 40; ++i) {
    const std::string patient = "p" + std::to_string(i / 2);
    Region r = region(patient + (i % 2 ? "b" : "a"), patient, grid(1, 2, 2));
    r.image[0] = static_cast<float>(i);
    hash_region(r);
    set.regions.push_back(r);
  }
  set.folds = deal_folds(set.regions, false);
  return set;
}

std::set<std::string> patients(const RegionSet& set, const std::vector<size_t>& side) {
  std::set<std::string> names;
  for (const size_t i : side) names.insert(set.regions[i].patient);
  return names;
}

TEST(Folds, DealtByPatientInEqualShares) {
  const auto set = twenty();
  std::map<std::string, int> size;
  for (const auto& r : set.regions) ++size[set.folds.at(r.id)];
  EXPECT_THAT(size, SizeIs(5));
  for (const auto& [fold, count] : size) EXPECT_EQ(count, 8) << fold;
  for (size_t i = 0; i < 40; i += 2)
    EXPECT_EQ(set.folds.at(set.regions[i].id), set.folds.at(set.regions[i + 1].id));
  auto reversed = set.regions;
  std::reverse(reversed.begin(), reversed.end());
  EXPECT_EQ(deal_folds(reversed, false), set.folds);
  EXPECT_NE(deal_folds(set.regions, true), set.folds);
}

TEST(Folds, FileHasToMatchTheSet) {
  const Folder folder;
  const std::vector<Region> regions = {region("a", "p", grid(1, 1, 2)),
                                       region("b", "q", grid(1, 1, 2))};
  const auto read = [&](const std::string& text) {
    return read_folds(folder.write("folds.csv", text), regions);
  };
  EXPECT_EQ(read("\xEF\xBB\xBFid,fold\r\nb,test\r\na,3\r\n").at("b"), "test");
  const auto message = [&](const std::string& text) {
    return std::string(error_of([&] { read(text); }).what());
  };
  EXPECT_THAT(message("id,fold\na,0\nx,1\ny,1\n"),
              testing::AllOf(HasSubstr("2 ids are not in index.csv ('x', 'y')"),
                             HasSubstr("1 regions have no fold ('b')")));
  EXPECT_THAT(message("id,fold\na,0\na,1\nb,1\n"),
              HasSubstr("folds.csv:3: column 'id': value 'a'"));
  EXPECT_THAT(message("id,fold\na,-1\n"), HasSubstr("folds.csv:2: column 'fold': value '-1'"));
  EXPECT_THAT(message("id,fold\na,01\n"), HasSubstr("allowed a number"));
  EXPECT_THAT(message("id,flod\na,1\n"), HasSubstr("Did you mean 'flod'?"));
}

TEST(Split, TestsOnTheFoldAndTrainsOnTheRest) {
  const auto set = twenty();
  config::DataOptions options;
  for (options.fold = 0; options.fold < 5; ++options.fold) {
    const auto split = make_split(set, options, 0);
    EXPECT_THAT(split.test, SizeIs(8));
    EXPECT_THAT(split.train, SizeIs(32));
    EXPECT_THAT(split.val, IsEmpty());
    EXPECT_THAT(split.text,
                HasSubstr("32 regions of 16 patients to train, 8 regions of 4 patients to test"));
    for (const size_t i : split.test)
      EXPECT_EQ(set.folds.at(set.regions[i].id), std::to_string(options.fold));
    EXPECT_THAT(check_leakage(set, split, options), IsEmpty());
  }
}

TEST(Split, ValidationTakesWholePatientsBySeed) {
  const auto set = twenty();
  config::DataOptions options;
  options.val = "0.25";
  const auto split = make_split(set, options, 1);
  EXPECT_THAT(split.val, SizeIs(8));
  EXPECT_THAT(split.train, SizeIs(24));
  const auto train = patients(set, split.train);
  for (const auto& name : patients(set, split.val)) EXPECT_FALSE(train.contains(name));
  EXPECT_EQ(make_split(set, options, 1).val, split.val);
  EXPECT_NE(make_split(set, options, 2).val, split.val);
  options.val = "3";
  for (const size_t i : make_split(set, options, 0).val)
    EXPECT_EQ(set.folds.at(set.regions[i].id), "3");
}

TEST(Split, ByLesionCutsPatients) {
  auto set = twenty();
  config::DataOptions options;
  options.split = "lesion", options.val = "0.5";
  set.folds = deal_folds(set.regions, true);
  const auto split = make_split(set, options, 0);
  EXPECT_THAT(split.val, SizeIs(16));
  EXPECT_THAT(check_leakage(set, split, options),
              ElementsAre(HasSubstr("patients stand on two sides")));
}

TEST(Split, RegionsMarkedTestAreNeverTrainedOn) {
  auto set = twenty();
  set.folds["p0a"] = set.folds["p0b"] = "test";
  config::DataOptions options;
  options.fold = set.folds["p1a"] == "0" ? 1 : 0;
  const auto split = make_split(set, options, 0);
  for (const auto* side : {&split.train, &split.val, &split.test})
    for (const size_t i : *side) EXPECT_NE(set.regions[i].patient, "p0");
  EXPECT_THAT(split.text, HasSubstr("2 regions marked 'test' left out"));
  options.fold = -1;
  EXPECT_THAT(make_split(set, options, 0).test, ElementsAre(0, 1));
}

TEST(Split, WrongRequestsAreErrors) {
  const auto set = twenty();
  config::DataOptions options;
  options.fold = 7;
  const auto error = error_of([&] { make_split(set, options, 0); });
  EXPECT_THAT(error.what(), HasSubstr("data.fold: value '7'"));
  EXPECT_THAT(error.what(), HasSubstr("Folds: 0, 1, 2, 3, 4."));
  EXPECT_EQ(error.fault, Fault::request);
  options.fold = 0;
  for (const auto* val : {"0", "9", "1.5", "-0.1", "all"}) {
    options.val = val;
    EXPECT_EQ(error_of([&] { make_split(set, options, 0); }).fault, Fault::request) << val;
  }
  options.val = "0.99";
  EXPECT_THAT(error_of([&] { make_split(set, options, 0); }).what(),
              HasSubstr("leaves none to train"));
  RegionSet one = set;
  for (auto& [id, fold] : one.folds) fold = "0";
  options.val = "none";
  EXPECT_THAT(error_of([&] { make_split(one, options, 0); }).what(),
              HasSubstr("no region of 'twenty' is left to train"));
}

/// A split of `twenty` after `spoil`; what check_leakage says.
template <class Spoil>
std::string leak(Spoil spoil) {
  auto set = twenty();
  const config::DataOptions options;
  const auto split = make_split(set, options, 0);
  spoil(set.regions[split.train[0]], set.regions[split.test[0]]);
  hash_region(set.regions[split.train[0]]);
  hash_region(set.regions[split.test[0]]);
  const auto error = error_of([&] { check_leakage(set, split, options); });
  EXPECT_EQ(error.fault,
            error.what() == std::string("nothing was thrown") ? Fault::work : Fault::data);
  return error.what();
}

TEST(Leakage, APatientOnTwoSides) {
  const auto text = leak([](Region& train, Region& test) { test.patient = train.patient; });
  EXPECT_THAT(text, HasSubstr("1 patient stands on two sides of the split"));
  EXPECT_THAT(text, HasSubstr("(train) and '"));
  EXPECT_THAT(text, HasSubstr("data.split = \"lesion\""));
}

TEST(Leakage, IdenticalPixelsOnTwoSides) {
  EXPECT_THAT(leak([](Region& train, Region& test) { test.image = train.image; }),
              HasSubstr("1 image stands on two sides"));
  // Other spacing, same pixels: still the same picture. Another shape is another picture.
  EXPECT_THAT(leak([](Region& train, Region& test) {
                test.image = train.image, test.geometry.size = {1, 1, 4};
              }),
              "nothing was thrown");
  EXPECT_THAT(leak([](Region& train, Region& test) {
                train.image.assign(4, -1000), test.image.assign(4, -1000);
              }),
              "nothing was thrown");
}

TEST(Leakage, ANoduleOnTwoSides) {
  EXPECT_THAT(leak([](Region& train, Region& test) {
                train.series = test.series = "1.2.3", train.nodule = test.nodule = "1";
              }),
              HasSubstr("1 nodule stands on two sides"));
  // Number 1 of two patients is two nodules.
  EXPECT_THAT(leak([](Region& train, Region& test) { train.nodule = test.nodule = "1"; }),
              "nothing was thrown");
  EXPECT_THAT(leak([](Region& train, Region& test) { train.series = test.series = "1.2.3"; }),
              "nothing was thrown");
}

TEST(Targets, HaveToBeColumnsWithValues) {
  auto set = twenty();
  set.target_names = {"margin", "malignancy"};
  for (auto& r : set.regions) r.targets = {{"margin", 2.5}, {"malignancy", std::nan("")}};
  EXPECT_NO_THROW(require_targets(set, {"margin", "nodule_present"}));
  const auto error = error_of([&] { require_targets(set, {"margins"}); });
  EXPECT_THAT(error.what(), HasSubstr("'twenty' has no target 'margins'. Did you mean 'margin'?"));
  EXPECT_EQ(error.fault, Fault::data);
  EXPECT_THAT(error_of([&] { require_targets(set, {"malignancy"}); }).what(),
              HasSubstr("unknown for every region"));
}

}  // namespace
}  // namespace hilum::data
