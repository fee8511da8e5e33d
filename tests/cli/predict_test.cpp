// SPDX-License-Identifier: Apache-2.0
// hilum predict: a trained run on a scan made of phantoms, and what is refused.
#include <algorithm>
#include <cmath>

#include "core/data/image.hpp"
#include "core/data/phantom.hpp"
#include "core/data/roi_set.hpp"
#include "core/predict/place.hpp"
#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;
using Values = std::vector<float>;

const data::Geometry kScan{{24, 96, 96}, {2.5, 0.7, 0.7}, {-30, 12, -400}};
// Middles of the nodules' regions, voxels.
const std::vector<predict::Voxel> kMiddles{{5, 20.5, 20.5}, {12, 60.5, 30.5}, {19, 40.5, 75.5}};

// A scan of lung with three phantoms of 7 x 32 x 32 voxels.
data::Volume scan() {
  config::DataOptions options;
  options.count = 3, options.patients = 3, options.size = {7, 32, 32};
  const auto phantoms = data::make_phantoms(options);
  data::Volume v{kScan, Values(24 * 96 * 96, -850)};
  for (size_t i = 0; i < 3; ++i) {
    const auto box = predict::box_at(kMiddles[i], {7, 32, 32});
    for (size_t z = 0; z < 7; ++z)
      for (size_t y = 0; y < 32; ++y) {
        const auto to =
            ((static_cast<size_t>(box.from[0]) + z) * 96 + static_cast<size_t>(box.from[1]) + y) *
                96 +
            static_cast<size_t>(box.from[2]);
        std::copy_n(phantoms.regions[i].image.begin() + static_cast<int64_t>((z * 32 + y) * 32), 32,
                    v.voxels.begin() + static_cast<int64_t>(to));
      }
  }
  return v;
}

void write_scan(const fs::path& file, const data::Geometry& geometry, const Values& voxels) {
  std::vector<int16_t> hu;
  for (const float v : voxels) hu.push_back(static_cast<int16_t>(std::lround(v)));
  data::write_image(file, geometry, hu);
}

class Predict : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    bench = new Bench;
    for (const char* seed : {"1", "2"}) {
      const auto run =
          bench->hilum(Strings{"run", kQuickstart, "--json", "experiment.seed=" + std::string(seed),
                               "experiment.name=seed" + std::string(seed),
                               "+head.nodule.plugin=binary_nodule", "+head.nodule.on=seg.S2"} +
                       kTiny);
      ASSERT_EQ(run.code, 0) << run.all();
    }
    write_scan(bench->root / "scan.nii.gz", kScan, scan().voxels);
    std::string text = "id,x,y,z\n";
    for (size_t i = 0; i < 3; ++i) {
      const auto world = data::to_world(kScan, kMiddles[i]);
      text += "n" + std::to_string(i);
      for (const double mm : world) text += "," + std::to_string(mm);
      text += "\n";
    }
    write(bench->root / "centres.csv", text);
  }
  static void TearDownTestSuite() { delete bench; }
  static Outcome hilum(const Strings& words) { return bench->hilum(Strings{"predict"} + words); }
  static nlohmann::json predicted(const Strings& words) {
    return bench->json(Strings{"predict"} + words +
                       Strings{"--centres", "centres.csv", "--depth", "17.5", "--probability"});
  }
  static data::Volume read(const fs::path& file) { return data::read_image(bench->root / file); }

  inline static Bench* bench = nullptr;
};

TEST_F(Predict, TheMaskLiesOnTheScanAndIsWhatEvaluationSees) {
  const auto json = predicted({"seed1", "scan.nii.gz", "-o", "out"});
  const auto mask = read("out/scan_mask.nii.gz");
  EXPECT_EQ(data::difference(mask.geometry, kScan), "");
  EXPECT_GT(std::count(mask.voxels.begin(), mask.voxels.end(), 1.0f), 0);
  EXPECT_EQ(nlohmann::json::parse(text_of(bench->root / "out/scan_nodules.json")), json);
  EXPECT_THAT(text_of(bench->root / "out/scan_nodules.csv"), HasSubstr("\nn1,"));

  // The same regions as a ROI set, with the predicted mask as truth: evaluation finds no voxel off.
  data::RegionSet set;
  for (size_t i = 0; i < 3; ++i) {
    const auto box = predict::box_at(kMiddles[i], {7, 32, 32});
    data::Region region;
    region.id = "n" + std::to_string(i), region.patient = region.id;
    const auto image = predict::cut(scan(), box, -1000), truth = predict::cut(mask, box, 0);
    region.geometry = image.geometry, region.image = image.voxels;
    region.mask.assign(truth.voxels.begin(), truth.voxels.end());
    set.regions.push_back(region);
  }
  data::write_roi_set(set, bench->root / "rois");
  const auto eval = bench->json({"eval", "seed1", "--data", "rois"});
  EXPECT_EQ(eval.at("metrics").at("data_rois.mask.dice"), 1);
  EXPECT_EQ(eval.at("metrics").at("data_rois.mask.hd"), 0);
  const auto rows = nlohmann::json::parse(
      bench
          ->hilum({"runs", "sql",
                   "select value from case_metric where name = 'nodule.predicted' and "
                   "split = 'data_rois' order by nodule",
                   "--json"})
          .out);
  ASSERT_EQ(rows.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const auto& nodule = json.at("nodules")[i];
    EXPECT_EQ(nodule.at("values").at("nodule").at("all_slices"), rows[i].at("value"));
    EXPECT_EQ(nodule.at("slices"), 7);
    const auto& truth = set.regions[i].mask;
    EXPECT_NEAR(nodule.at("volume_mm3"), std::count(truth.begin(), truth.end(), 1) * 2.5 * 0.49,
                0.01);  // a NIfTI header keeps the spacing in float32
  }
}

TEST_F(Predict, AFlippedDirectionGivesTheSamePhysicalMask) {
  const predict::Turn turn{{0, 1, 2}, {true, true, true}};
  write_scan(bench->root / "flipped.nii.gz", predict::turned(kScan, turn),
             predict::turned<float>(scan().voxels, kScan.size, turn));
  predicted({"seed1", "scan.nii.gz", "-o", "plain"});
  predicted({"seed1", "flipped.nii.gz", "-o", "plain"});
  const auto plain = read("plain/scan_mask.nii.gz"), flipped = read("plain/flipped_mask.nii.gz");
  EXPECT_EQ(data::difference(flipped.geometry, predict::turned(kScan, turn)), "");
  EXPECT_EQ(flipped.voxels, predict::turned<float>(plain.voxels, kScan.size, turn));
  EXPECT_NE(flipped.voxels, plain.voxels);
}

TEST_F(Predict, AnEnsembleIsTheMeanOfItsRuns) {
  std::vector<Values> p;
  for (const std::string runs : {"seed1", "seed2", "seed1,seed2"}) {
    predicted({runs, "scan.nii.gz", "-o", runs + ".mha"});
    p.push_back(read(runs + "_probability.mha").voxels);
  }
  for (size_t i = 0; i < p[0].size(); ++i) ASSERT_NEAR(p[2][i], (p[0][i] + p[1][i]) / 2, 1e-6) << i;
  EXPECT_NE(p[0], p[1]);
  const auto json =
      predicted({"seed1", "scan.nii.gz", "-o", "e.nrrd", "--ensemble", "seed2", "--tta", "flips"});
  EXPECT_EQ(json.at("runs").size(), 2u);
  EXPECT_EQ(json.at("flips"), true);
}

TEST_F(Predict, TheWholeImageWithItsWarning) {
  const auto whole = hilum({"seed1", "scan.nii.gz", "--whole", "-o", "whole.nii.gz"});
  EXPECT_EQ(whole.code, 0) << whole.all();
  EXPECT_THAT(whole.err, HasSubstr("has not seen the rest of a chest"));
  EXPECT_EQ(data::difference(read("whole.nii.gz").geometry, kScan), "");
}

TEST_F(Predict, WhatIsWrongIsSaidBeforeAnythingIsWritten) {
  const auto refused = [&](int code, const std::string& csv, const Strings& more = {}) {
    write(bench->root / "wrong.csv", csv);
    const auto outcome =
        hilum(Strings{"seed1", "scan.nii.gz", "--centres", "wrong.csv", "-o", "none"} + more);
    EXPECT_EQ(outcome.code, code) << outcome.all();
    EXPECT_FALSE(fs::exists(bench->root / "none"));
    return outcome.err;
  };
  const std::string inside = "20,40,-380";
  EXPECT_THAT(refused(3, "x,y,z\n" + inside + "\n20,400,-380\n"),
              HasSubstr("(20, 400, -380) mm lies outside the image"));
  EXPECT_THAT(refused(3, "x,yy,z\n" + inside + "\n"), HasSubstr("wrong.csv:1: no column 'y'."));
  EXPECT_THAT(refused(3, "x,y,z\n1,nan,2\n"), HasSubstr("wrong.csv:2: column 'y'"));
  EXPECT_THAT(refused(2, "x,y,z\n" + inside + "\n", {"--whole"}), HasSubstr("only one of"));
  EXPECT_THAT(refused(2, "x,y,z\n" + inside + "\n", {"--head", "mas"}),
              HasSubstr("Did you mean 'mask'?"));
  EXPECT_THAT(hilum({"seed1", "nothing.nii", "--whole", "-o", "none"}).err,
              HasSubstr("nothing.nii: does not exist"));
  write(bench->root / "there_mask.nii.gz", "mine");
  const auto there =
      hilum({"seed1", "scan.nii.gz", "--centres", "centres.csv", "-o", "there_mask.nii.gz"});
  EXPECT_EQ(there.code, 2);
  EXPECT_THAT(there.err, HasSubstr("--force"));
  EXPECT_EQ(text_of(bench->root / "there_mask.nii.gz"), "mine");
}

TEST_F(Predict, ARealScanOfLuna16) {
  const fs::path data = HILUM_SOURCE_DIR "/../shared/data/luna_mini";
  if (!fs::exists(data)) GTEST_SKIP() << data << " is not here";
  fs::path image;
  for (const auto& entry : fs::directory_iterator(data / "subset0"))
    if (entry.path().extension() == ".mhd") image = entry.path();
  const auto json = bench->json({"predict", "seed1", image.string(), "--centres",
                                 (data / "annotations.csv").string(), "-o", "luna"});
  const auto mask = data::read_image(bench->root / json.at("mask").get<std::string>());
  EXPECT_EQ(data::difference(mask.geometry, data::read_image(image).geometry), "");
  ASSERT_EQ(json.at("nodules").size(), 1u);
  // 23.35 mm x 1.5 of slices of 2.5 mm
  EXPECT_EQ(json.at("nodules")[0].at("slices"), 15);
}

TEST_F(Predict, ADicomFolder) {
  const fs::path data = HILUM_SOURCE_DIR "/../shared/data/lidc_dicom_xml/LIDC-IDRI-0001";
  const fs::path luna = HILUM_SOURCE_DIR "/../shared/data/luna_mini/annotations.csv";
  if (!fs::exists(data) || !fs::exists(luna)) GTEST_SKIP() << data << " is not here";
  const auto json =
      bench->json({"predict", "seed1", data.string(), "--centres", luna.string(), "-o", "dicom"});
  EXPECT_EQ(json.at("nodules").size(), 1u) << "found by its series UID";
  EXPECT_EQ(read("dicom/LIDC-IDRI-0001_mask.nii.gz").geometry.size,
            (std::array<int64_t, 3>{16, 512, 512}));
}

}  // namespace
}  // namespace hilum::testing
