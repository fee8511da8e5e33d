// SPDX-License-Identifier: Apache-2.0
#include "core/data/subset.hpp"

#include <set>

#include "core/data/folds.hpp"
#include "fixture.hpp"

namespace hilum::data {
namespace {
using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

// Sixty patients of one to three regions in two folds by turns; two stand in both.
RegionSet sixty() {
  RegionSet set;
  set.name = "sixty", set.fingerprint = "pixels";
  for (int p = 0; p < 60; ++p)
    for (int n = 0; n <= p % 3; ++n) {
      const std::string patient = "p" + std::to_string(p);
      set.regions.push_back(region(patient + "_" + std::to_string(n), patient, grid(1, 1, 2)));
      set.regions.back().image[0] = static_cast<float>(10 * p + n);  // no two images are the same
      hash_region(set.regions.back());
      const bool odd = p == 2 || p == 14 ? n == 1 : p % 2 == 1;
      set.folds[set.regions.back().id] = odd ? "1" : "0";
    }
  return set;
}

config::DataOptions twenty() {
  config::DataOptions options;
  options.subset_count = 20;
  return options;
}

std::map<std::string, std::set<std::string>> folds_of_patients(const RegionSet& set) {
  std::map<std::string, std::set<std::string>> folds;
  for (const auto& r : set.regions) folds[r.patient].insert(set.folds.at(r.id));
  return folds;
}

TEST(Subset, WholePatientsOfOneFoldDealtAnew) {
  const auto whole = sixty();
  auto set = whole;
  take_subset(set, twenty());
  ASSERT_THAT(set.regions, SizeIs(20));
  EXPECT_THAT(set.folds, SizeIs(20));
  std::map<std::string, int> sizes, of_patient;
  for (const auto& r : set.regions) {
    ++sizes[set.folds.at(r.id)], ++of_patient[r.patient];
    EXPECT_EQ(whole.folds.at(r.id), "0");
  }
  for (const auto& r : whole.regions)  // none left behind, none of a patient in both folds
    EXPECT_EQ(of_patient.contains(r.patient), set.folds.contains(r.id)) << r.id;
  EXPECT_THAT(sizes, SizeIs(6));
  EXPECT_EQ(sizes.at("test"), 4);
  for (int fold = 0; fold < 5; ++fold) {
    EXPECT_GE(sizes[std::to_string(fold)], 3) << fold;
    EXPECT_LE(sizes[std::to_string(fold)], 4) << fold;
  }
  for (const auto& [patient, folds] : folds_of_patients(set)) EXPECT_THAT(folds, SizeIs(1));
  EXPECT_THAT(set.notes.back(), AllOf(HasSubstr("a small set of 20 regions of "),
                                      HasSubstr("out of fold 0: 16 in 5 folds, 4 to test")));
}

TEST(Subset, DependsOnTheSeedAndNotOnTheOrderOfRows) {
  auto set = sixty(), reversed = sixty(), other = sixty(), whole = sixty();
  std::ranges::reverse(reversed.regions);
  auto options = twenty();
  take_subset(set, options), take_subset(reversed, options);
  EXPECT_EQ(reversed.folds, set.folds);
  EXPECT_EQ(reversed.fingerprint, set.fingerprint);
  options.subset_seed = 1;
  take_subset(other, options);
  EXPECT_NE(other.folds, set.folds);
  EXPECT_NE(other.fingerprint, set.fingerprint);
  options.subset_count = 0;
  take_subset(whole, options);
  EXPECT_EQ(whole.fingerprint, "pixels");
  EXPECT_THAT(whole.regions, SizeIs(sixty().regions.size()));
}

TEST(Subset, TestsOnTheMarkedOrOnAFold) {
  auto set = sixty();
  auto options = twenty();
  take_subset(set, options);
  options.fold = -1;
  const auto marked = make_split(set, options, 0);
  EXPECT_THAT(marked.test, SizeIs(4));
  EXPECT_THAT(marked.train, SizeIs(16));
  EXPECT_TRUE(check_leakage(set, marked, options).empty());
  options.fold = 2;
  const auto split = make_split(set, options, 0);
  EXPECT_EQ(split.train.size() + split.test.size(), 16u);
  for (const size_t i : split.test) EXPECT_EQ(set.folds.at(set.regions[i].id), "2");
}

TEST(Subset, DealsRegionsWhereTheSplitIsByLesion) {
  auto set = sixty();
  auto options = twenty();
  options.split = "lesion";
  take_subset(set, options);
  EXPECT_THAT(set.regions, SizeIs(20));
  size_t split = 0;
  for (const auto& [patient, folds] : folds_of_patients(set)) split += folds.size() > 1;
  EXPECT_GT(split, 0u) << "regions of one patient stand in several folds";
}

TEST(Subset, SaysWhatCannotBe) {
  const auto refused = [](int64_t config::DataOptions::*option, int64_t value) {
    auto options = twenty();
    options.*option = value;
    const auto error = error_of([&] {
      auto set = sixty();
      take_subset(set, options);
    });
    EXPECT_EQ(error.fault, Fault::request);
    return std::string(error.what());
  };
  EXPECT_THAT(refused(&config::DataOptions::subset_fold, 7),
              AllOf(HasSubstr("data.subset.fold: value '7'"), HasSubstr("Folds: 0, 1.")));
  EXPECT_THAT(refused(&config::DataOptions::subset_count, 6),
              AllOf(HasSubstr("data.subset.folds: value 5"), HasSubstr("Make fewer folds")));
}

TEST(Subset, AClinicalSetOutOfLidc) {
  HILUM_NEED_DATA("lidc_nodules");
  config::DataOptions options;
  options.source = (kShared / "lidc_nodules").string();
  options.subset_count = 56;
  const auto set = read_regions(options);
  std::map<std::string, int> sizes;
  for (const auto& [id, fold] : set.folds) ++sizes[fold];
  ASSERT_THAT(set.regions, SizeIs(56));
  EXPECT_EQ(sizes.at("test"), 11);
  for (int fold = 0; fold < 5; ++fold) EXPECT_EQ(sizes[std::to_string(fold)], 9) << fold;
  EXPECT_THAT(set.notes.back(), HasSubstr("out of fold 0: 45 in 5 folds, 11 to test"));
  RecordProperty("note", set.notes.back());
}

}  // namespace
}  // namespace hilum::data
