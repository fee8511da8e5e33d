// SPDX-License-Identifier: Apache-2.0
#include "core/data/split_file.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/data/folds.hpp"
#include "core/data/summary.hpp"
#include "core/util/random.hpp"
#include "fixture.hpp"

namespace hilum::data {
namespace {
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// Patients with 1 to 5 regions each, a label and a rating; all pixels differ.
RegionSet many(int patients, uint64_t key = 1) {
  RegionSet set;
  set.name = "many";
  set.target_names = {"label", "rating"};
  util::Random random({key});
  for (int p = 0; p < patients; ++p) {
    const std::string patient = "p" + std::to_string(p);
    const auto count = 1 + random.below(5);
    const double bias = random.uniform();
    for (uint64_t i = 0; i < count; ++i) {
      Region r = region(patient + "_" + std::to_string(i), patient, grid(1, 2, 2));
      r.image[0] = static_cast<float>(set.regions.size());
      r.series = "1.2." + patient, r.nodule = std::to_string(i);
      r.targets = {{"label", random.chance(0.2 + 0.4 * bias) ? 1.0 : 0.0},
                   {"rating", 1 + 4 * random.uniform()}};
      hash_region(r);
      set.regions.push_back(r);
    }
  }
  return set;
}

struct Count {
  double regions = 0, positive = 0, sum = 0;
};
std::map<std::string, Count> counts(const RegionSet& set, const Folds& made) {
  std::map<std::string, Count> counts;
  for (const auto& r : set.regions) {
    auto& count = counts[made.of.at(r.id)];
    ++count.regions, count.positive += r.targets.at("label"), count.sum += r.targets.at("rating");
  }
  return counts;
}

TEST(SplitFile, KeepsPatientsTogetherAndBalancesWithinOnePatient) {
  for (const uint64_t key : {1, 2, 3}) {
    const auto set = many(60, key);
    for (const auto* column : {"", "label", "rating"}) {
      FoldRules rules;
      rules.stratify = column;
      const auto made = make_folds(set, rules);
      EXPECT_THAT(made.of, SizeIs(set.regions.size()));
      EXPECT_THAT(find_fold_leaks(set, made.of), IsEmpty());
      const auto folds = counts(set, made);
      ASSERT_THAT(folds, SizeIs(5));
      double low = 1e9, high = 0;
      for (const auto& [fold, count] : folds)
        low = std::min(low, count.regions), high = std::max(high, count.regions);
      EXPECT_LE(high - low, 5) << column;  // a patient has at most five regions
    }
  }
}

TEST(SplitFile, StrataSpreadEvenly) {
  const auto set = many(100);
  double positive = 0;
  for (const auto& r : set.regions) positive += r.targets.at("label");
  const double share = positive / static_cast<double>(set.regions.size());
  FoldRules rules;
  const auto worst = [&](const Folds& made) {
    double worst = 0;
    for (const auto& [fold, count] : counts(set, made))
      worst = std::max(worst, std::abs(count.positive / count.regions - share));
    return worst;
  };
  rules.stratify = "label";
  double plain = 0;
  for (rules.seed = 0; rules.seed < 5; ++rules.seed) {
    const auto made = make_folds(set, rules);
    EXPECT_LT(worst(made), 0.03) << rules.seed;
    EXPECT_THAT(made.strata.names, ElementsAre("label 0", "label 1", "label unknown"));
    auto without = rules;
    without.stratify = "";
    plain = std::max(plain, worst(make_folds(set, without)));
  }
  EXPECT_GT(plain, 0.06) << "else the assertion above would show nothing";
}

TEST(SplitFile, QuartersOfManyValuesAndUnknownOnes) {
  auto set = many(100);
  for (size_t i = 0; i < set.regions.size(); i += 10) set.regions[i].targets["rating"] = NAN;
  FoldRules rules;
  rules.stratify = "rating";
  const auto made = make_folds(set, rules);
  ASSERT_THAT(made.strata.names, SizeIs(5));
  EXPECT_THAT(made.strata.names[0], HasSubstr("rating below "));
  EXPECT_EQ(made.strata.names[4], "rating unknown");
  std::vector<int> size(5);
  std::vector<std::map<std::string, int>> of_fold(5);
  for (size_t i = 0; i < set.regions.size(); ++i) {
    const auto stratum = made.strata.region[i];
    ++size[stratum], ++of_fold[stratum][made.of.at(set.regions[i].id)];
    EXPECT_EQ(stratum == 4, std::isnan(set.regions[i].targets.at("rating")));
  }
  for (int s = 0; s < 4; ++s) {
    EXPECT_NEAR(size[s], size[0], 2);
    for (const auto& [fold, n] : of_fold[s]) EXPECT_NEAR(n, size[s] / 5.0, 4) << s << " " << fold;
  }
}

TEST(SplitFile, OneSeedTheSameBytesAnotherSeedOtherFolds) {
  auto set = many(40);
  FoldRules rules;
  rules.stratify = "label", rules.seed = 7;
  const auto first = make_folds(set, rules);
  const auto text = folds_text(set, first.of);
  EXPECT_EQ(folds_text(set, make_folds(set, rules).of), text);
  rules.seed = 8;
  EXPECT_NE(folds_text(set, make_folds(set, rules).of), text);
  rules.seed = 7;
  std::reverse(set.regions.begin(), set.regions.end());
  EXPECT_EQ(make_folds(set, rules).of, first.of) << "the order of rows does not matter";

  const Folder folder;
  EXPECT_EQ(read_folds(folder.write("folds.csv", text), set.regions), first.of);
}

TEST(SplitFile, ATestSideOfTheShareAskedFor) {
  const auto set = many(100);
  FoldRules rules;
  rules.test = 0.2, rules.folds = 4, rules.stratify = "label";
  const auto made = make_folds(set, rules);
  const auto folds = counts(set, made);
  ASSERT_THAT(folds, SizeIs(5));
  const auto all = static_cast<double>(set.regions.size());
  for (const auto& [fold, count] : folds) EXPECT_NEAR(count.regions, 0.2 * all, 3) << fold;
  EXPECT_TRUE(folds.contains("test"));
  EXPECT_THAT(find_fold_leaks(set, made.of), IsEmpty());
}

TEST(SplitFile, LesionsAreDealtOneByOneAndTheLeaksAreNamed) {
  const auto set = many(40);
  FoldRules rules;
  rules.by_lesion = true, rules.stratify = "label";
  const auto made = make_folds(set, rules);
  double low = 1e9, high = 0;
  for (const auto& [fold, count] : counts(set, made))
    low = std::min(low, count.regions), high = std::max(high, count.regions);
  EXPECT_LE(high - low, 1);
  std::set<std::string> patients;
  for (const auto& leak : find_fold_leaks(set, made.of))
    if (leak.what == "patient") patients.insert(leak.name);
  EXPECT_GT(patients.size(), 20U);
}

TEST(SplitFile, PatientsWhoShareAScanOrAnImageStayTogether) {
  auto set = many(20);
  const auto of = [&](const std::string& patient) -> Region& {
    return *std::find_if(set.regions.begin(), set.regions.end(),
                         [&](const Region& r) { return r.patient == patient; });
  };
  of("p3").series = of("p11").series;
  of("p5").image = of("p17").image;
  hash_region(of("p5")), hash_region(of("p17"));
  for (int64_t seed = 0; seed < 5; ++seed) {
    FoldRules rules;
    rules.seed = seed;
    const auto made = make_folds(set, rules);
    EXPECT_THAT(find_fold_leaks(set, made.of), IsEmpty());
    EXPECT_THAT(made.notes, ElementsAre(HasSubstr("'p11' and 'p3'"), HasSubstr("'p17' and 'p5'")));
  }
}

TEST(SplitFile, EveryKindOfLeakHasBothIds) {
  std::vector<Region> regions;
  for (const auto* id : {"a", "b", "c", "d"}) {
    auto r = region(id, std::string("patient_") + id, grid(1, 2, 2));
    r.image[0] = static_cast<float>(id[0]);
    regions.push_back(r);
  }
  regions[1].patient = regions[0].patient;
  regions[2].series = regions[3].series = "1.2.3";
  regions[2].nodule = regions[3].nodule = "4";
  regions[3].image = regions[0].image;
  for (auto& r : regions) hash_region(r);
  RegionSet set;
  set.regions = regions;
  const auto leaks = find_fold_leaks(set, {{"a", "0"}, {"b", "1"}, {"c", "1"}, {"d", "test"}});
  ASSERT_THAT(leaks, SizeIs(4));
  const auto text = [](const FoldLeak& l) {
    return l.what + " " + l.other_id + l.other_fold + " " + l.id + l.fold;
  };
  EXPECT_EQ(text(leaks[0]), "patient a0 b1");
  EXPECT_EQ(leaks[0].name, "patient_a");
  EXPECT_EQ(text(leaks[1]), "series c1 dtest");
  EXPECT_EQ(text(leaks[2]), "nodule c1 dtest");
  EXPECT_EQ(leaks[2].name, "4 of series 1.2.3");
  EXPECT_EQ(text(leaks[3]), "image a0 dtest");
  EXPECT_THAT(find_fold_leaks(set, {{"a", "0"}, {"b", "0"}, {"c", "0"}, {"d", "0"}}), IsEmpty());
}

TEST(SplitFile, WrongRequestsAreErrors) {
  const auto set = many(4);
  FoldRules rules;
  auto error = error_of([&] { make_folds(set, rules); });
  EXPECT_EQ(error.fault, Fault::request);
  EXPECT_THAT(error.what(), HasSubstr("'many' has 4 patients"));
  rules.folds = 2, rules.stratify = "lable";
  error = error_of([&] { make_folds(set, rules); });
  EXPECT_EQ(error.fault, Fault::request);
  EXPECT_THAT(error.what(), HasSubstr("no target 'lable'. Did you mean 'label'?"));
  rules.stratify = "", rules.folds = 3, rules.test = 0.001;
  EXPECT_EQ(error_of([&] { make_folds(set, rules); }).fault, Fault::request);
}

TEST(SplitFile, RealNodulesByMalignancy) {
  HILUM_NEED_DATA("lidc_nodules");
  config::DataOptions options;
  options.source = (kShared / "lidc_nodules").string();
  const auto set = read_roi_set(options.source, options);
  FoldRules rules;
  rules.stratify = "malignancy";
  const auto made = make_folds(set, rules);
  EXPECT_THAT(find_fold_leaks(set, made.of), IsEmpty());
  std::map<std::string, std::map<size_t, int>> count;
  std::map<std::string, int> size;
  for (size_t i = 0; i < set.regions.size(); ++i) {
    const auto& fold = made.of.at(set.regions[i].id);
    ++count[fold][made.strata.region[i]], ++size[fold];
  }
  for (const auto& [fold, n] : size) {
    EXPECT_NEAR(n, 146.2, 2) << fold;
    EXPECT_NEAR(count[fold][1] / double(n), count["0"][1] / double(size["0"]), 0.03);
  }
}

/// The checks that a change of one region sets off.
template <class Change>
Strings checks(Change change) {
  auto set = many(3);
  for (auto& r : set.regions) {
    Region big = region(r.id, r.patient, grid(3, 4, 4), {21});
    big.targets = r.targets, big.nodule = r.nodule;
    r = big;
  }
  set.target_names.push_back("malignancy");
  for (auto& r : set.regions) r.targets["malignancy"] = 3;
  change(set.regions[1]);
  Strings names;
  for (const auto& warning : find_warnings(set)) {
    names.push_back(warning.check);
    EXPECT_EQ(warning.count, 1) << warning.what;
    EXPECT_THAT(warning.ids, ElementsAre(set.regions[1].id));
  }
  return names;
}

TEST(Warnings, EachForWhatItNames) {
  EXPECT_THAT(checks([](Region&) {}), IsEmpty());
  EXPECT_THAT(checks([](Region& r) { r.geometry.spacing[0] = 12; }), ElementsAre("spacing"));
  EXPECT_THAT(checks([](Region& r) { r.geometry.spacing[2] = 0.05; }), ElementsAre("spacing"));
  EXPECT_THAT(checks([](Region& r) { r.geometry.direction[1] = 0.1; }), ElementsAre("direction"));
  EXPECT_THAT(checks([](Region& r) { r.geometry.direction[8] = -1; }), ElementsAre("handedness"));
  EXPECT_THAT(checks([](Region& r) { r.mask.assign(48, 0); }), ElementsAre("empty_mask"));
  EXPECT_THAT(checks([](Region& r) { r.mask[16 + 4] = 1; }), ElementsAre("border_plane"));
  EXPECT_THAT(checks([](Region& r) { r.mask[5] = 1; }), ElementsAre("border_depth"));
  EXPECT_THAT(checks([](Region& r) { r.image[3] = 4001; }), ElementsAre("hu"));
  EXPECT_THAT(checks([](Region& r) { r.image[3] = -2001; }), ElementsAre("hu"));
  EXPECT_THAT(checks([](Region& r) { r.image.assign(48, -5); }), ElementsAre("constant"));
  EXPECT_THAT(checks([](Region& r) {
                for (auto& v : r.image) v += 1000;
              }),
              ElementsAre("not_hu"));
  EXPECT_THAT(checks([](Region& r) { r.targets["malignancy"] = 5.5; }), ElementsAre("target"));
  EXPECT_THAT(checks([](Region& r) { r.targets["malignancy"] = 0; }), ElementsAre("target"));
  EXPECT_THAT(checks([](Region& r) { r.targets["malignancy"] = NAN; }), IsEmpty());
  EXPECT_THAT(checks([](Region& r) { r.targets["label"] = 77; }), IsEmpty()) << "anyone's own";
  // Many regions of one patient: the same number again is one nodule twice.
  EXPECT_THAT(checks([](Region& r) { r.nodule = "0", r.patient = "p0"; }), ElementsAre("nodule"));
}

}  // namespace
}  // namespace hilum::data
