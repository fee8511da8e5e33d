// SPDX-License-Identifier: Apache-2.0
// Rulers and other systems' figures.
#include "core/tables/outside.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "core/data/region.hpp"
#include "core/metrics/classification.hpp"

namespace hilum::tables {
namespace {
using testing::HasSubstr;

config::Experiment phantoms() {
  config::Experiment e;
  e.data.count = 60, e.data.patients = 60, e.data.size = {8, 32, 32};
  return e;
}

TEST(LogVolume, RanksByVolumeAndIsFittedOnTheTrainingRegions) {
  const auto e = phantoms();
  const auto cases = by_log_volume(e, "malignancy");
  const auto set = data::read_regions(e.data);
  const auto split = data::make_split(set, e.data, 0);
  std::vector<double> volume, predicted, truth;
  for (const size_t i : split.test) {
    const auto& r = set.regions[i];
    if (std::isnan(r.targets.at("malignancy"))) continue;
    volume.push_back(static_cast<double>(std::count(r.mask.begin(), r.mask.end(), 1)));
    truth.push_back(r.targets.at("malignancy"));
  }
  ASSERT_EQ(cases.size(), 2 * truth.size());
  for (size_t i = 0; i < truth.size(); ++i) {
    EXPECT_EQ(cases[2 * i].name, "malignancy.predicted");
    EXPECT_EQ(cases[2 * i + 1].value, truth[i]);
    predicted.push_back(cases[2 * i].value);
  }
  const double own = metrics::auc(predicted, truth), by_size = metrics::auc(volume, truth);
  EXPECT_TRUE(own == by_size || own == 1 - by_size) << "a monotone function of the volume";
}

// Every patient is tested once by a fit on the others: as many positives are expected as there are.
TEST(LogVolume, ProbabilitiesAreCalibrated) {
  auto e = phantoms();
  double predicted = 0, truth = 0;
  for (int64_t fold = 0; fold < 5; ++fold) {
    e.data.fold = fold;
    for (const auto& c : by_log_volume(e, "malignancy"))
      (c.name.ends_with("truth") ? truth : predicted) += c.value;
  }
  EXPECT_NEAR(predicted, truth, 2.0);
  EXPECT_GT(truth, 5);
}

TEST(LogVolume, AnUnknownOrGradedTargetIsAnError) {
  EXPECT_THROW(by_log_volume(phantoms(), "malignanc"), Error);
  try {
    by_log_volume(phantoms(), "margin");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault, Fault::data);
    EXPECT_THAT(error.what(), HasSubstr("not 0 or 1"));
  }
}

TEST(Cases, AreReadInTheStoresWords) {
  const std::filesystem::path file = std::filesystem::temp_directory_path() / "hilum_cases.csv";
  std::ofstream(file)
      << "patient,nodule,slice,name,value\np1,n1,,mask.dice,0.5\np1,n1,3,mask.dice,1\n";
  const auto cases = read_cases(file);
  ASSERT_EQ(cases.size(), 2u);
  EXPECT_EQ(cases[0].slice, std::nullopt);
  EXPECT_EQ(cases[1].slice, 3);
  EXPECT_EQ(cases[1].value, 1);
  std::ofstream(file) << "patient,nodule,name,value\np1,n1,mask.dice,much\n";
  try {
    read_cases(file);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault, Fault::data);
    EXPECT_THAT(error.what(), HasSubstr(":2: "));
    EXPECT_THAT(error.what(), HasSubstr("'much'"));
  }
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace hilum::tables
