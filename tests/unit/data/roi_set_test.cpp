// SPDX-License-Identifier: Apache-2.0
#include "core/data/roi_set.hpp"

#include <chrono>
#include <cmath>

#include "core/data/phantom.hpp"
#include "core/util/files.hpp"
#include "fixture.hpp"

namespace hilum::data {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

/// Two images a.nii.gz and b.nrrd of one grid, and masks that count readers.
class RoiSet : public testing::Test {
 protected:
  void SetUp() override {
    std::vector<int16_t> hu(24);
    for (size_t i = 0; i < hu.size(); ++i) hu[i] = static_cast<int16_t>(i * 10 - 1000);
    write_image(folder.path / "a.nii.gz", geometry, hu);
    hu[0] = 7;
    write_image(folder.path / "b.nrrd", geometry, hu);
    const std::vector<uint8_t> counts = {0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0,
                                         0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    write_image(folder.path / "m.mha", geometry, counts);
  }
  RegionSet read(const std::string& index) {
    folder.write("index.csv", index);
    options.source = folder.path.string();
    return read_regions(options);
  }
  std::string message(const std::string& index) {
    const auto error = error_of([&] { read(index); });
    EXPECT_EQ(error.fault, Fault::data) << error.what();
    return error.what();
  }
  Folder folder;
  Geometry geometry = grid(2, 3, 4);
  config::DataOptions options;
};

TEST_F(RoiSet, ReadsWhatAResearcherWrites) {
  const auto set = read(
      "id,patient,image,mask,nodule,image_pet,margin,malignancy\r\n"
      "x,p1,a.nii.gz,m.mha,1,b.nrrd,2.5,4.25\r\n\r\n"
      "y,p2,b.nrrd,m.mha,2,a.nii.gz,,3\r\n");
  ASSERT_THAT(set.regions, SizeIs(2));
  const Region &x = set.regions[0], &y = set.regions[1];
  EXPECT_EQ(x.patient, "p1");
  EXPECT_EQ(x.nodule, "1");
  EXPECT_EQ(x.image[1], -990);
  EXPECT_EQ(x.more_images.at("pet"), y.image);
  EXPECT_THAT(further_images(folder.path), testing::ElementsAre("pet"));
  EXPECT_EQ(x.geometry.spacing, geometry.spacing);
  EXPECT_THAT(set.target_names, ElementsAre("margin", "malignancy"));
  EXPECT_EQ(x.targets.at("margin"), 2.5);
  EXPECT_EQ(x.targets.at("malignancy"), 1);
  EXPECT_TRUE(std::isnan(y.targets.at("margin")));
  EXPECT_TRUE(std::isnan(y.targets.at("malignancy")));
  EXPECT_EQ(std::count(x.mask.begin(), x.mask.end(), 1), 4);
  EXPECT_NE(x.pixel_hash, y.pixel_hash);
  EXPECT_THAT(set.folds, SizeIs(2));
}

TEST_F(RoiSet, ConsensusCountsReaders) {
  const std::string index =
      "id,patient,image,mask,readers\nx,p,a.nii.gz,m.mha,4\ny,q,b.nrrd,m.mha,3\n";
  const auto foreground = [&](double share) {
    options.consensus = share;
    const auto set = read(index);
    const auto count = [](const Region& r) { return std::count(r.mask.begin(), r.mask.end(), 1); };
    return std::pair(count(set.regions[0]), count(set.regions[1]));
  };
  EXPECT_EQ(foreground(0), std::pair(4l, 4l));
  EXPECT_EQ(foreground(0.5), std::pair(3l, 3l));  // at least 2 of 4, at least 1.5 of 3
  EXPECT_EQ(foreground(0.75), std::pair(2l, 2l));
  EXPECT_EQ(foreground(1), std::pair(1l, 2l));
  EXPECT_EQ(foreground(0.01), std::pair(4l, 4l));  // and never where no reader is
  options.consensus = 0.5;
  EXPECT_THAT(message("id,patient,image,mask\nx,p,a.nii.gz,m.mha\n"),
              HasSubstr("needs a column 'readers'"));
  EXPECT_THAT(message("id,patient,image,mask,readers\nx,p,a.nii.gz,m.mha,\n"),
              HasSubstr("index.csv:2: column 'readers'"));
  EXPECT_THAT(message("id,patient,image,mask,readers\nx,p,a.nii.gz,m.mha,40\n"),
              HasSubstr("every mask is empty"));
}

TEST_F(RoiSet, MalignancyHasFourRules) {
  const std::string index =
      "id,patient,image,mask,malignancy\nx,p,a.nii.gz,m.mha,3\ny,q,b.nrrd,m.mha,2.75\n";
  const auto of = [&](const char* rule) {
    options.malignancy = rule;
    const auto set = read(index);
    EXPECT_EQ(set.regions[1].targets.at("malignancy"), rule == std::string("raw") ? 2.75 : 0);
    return set.regions[0].targets.at("malignancy");
  };
  EXPECT_TRUE(std::isnan(of("drop3")));
  EXPECT_EQ(of("benign3"), 0);
  EXPECT_EQ(of("malignant3"), 1);
  EXPECT_EQ(of("raw"), 3);
  options.malignancy = "drop3";
  EXPECT_THAT(
      message("id,patient,image,mask,malignancy\nx,p,a.nii.gz,m.mha,0\n"),
      testing::AllOf(HasSubstr("index.csv:2: column 'malignancy': value '0'"), HasSubstr("raw")));
  options.malignancy = "drop4";
  EXPECT_EQ(error_of([&] { read(index); }).fault, Fault::request);
}

struct Wrong {
  const char *name, *index, *message;
};
class WrongIndex : public RoiSet, public testing::WithParamInterface<Wrong> {};
TEST_P(WrongIndex, IsAnErrorThatSaysWhere) {
  EXPECT_THAT(message(GetParam().index), HasSubstr(GetParam().message));
}
INSTANTIATE_TEST_SUITE_P(
    RoiSet, WrongIndex,
    testing::Values(
        Wrong{"text", "id,patient,image,mask,margin\nx,p,a.nii.gz,m.mha,sharp\n",
              "index.csv:2: column 'margin': value 'sharp': is no number"},
        Wrong{"infinite", "id,patient,image,mask,margin\nx,p,a.nii.gz,m.mha,inf\n",
              "is not finite"},
        Wrong{"twice", "id,patient,image,mask\nx,p,a.nii.gz,m.mha\nx,p,b.nrrd,m.mha\n",
              "index.csv:3: column 'id': value 'x': is the id of line 2 too"},
        Wrong{"missing", "id,patient,image,mask\nx,p,a.nii,m.mha\n",
              "index.csv:2: column 'image': value 'a.nii': no such file"},
        Wrong{"no_patient", "id,patient,image,mask\nx,,a.nii.gz,m.mha\n",
              "index.csv:2: column 'patient' is empty"},
        Wrong{"no_column", "id,patient,image,masks\nx,p,a.nii.gz,m.mha\n",
              "index.csv:1: no column 'mask'. Did you mean 'masks'?"},
        Wrong{"no_rows", "id,patient,image,mask\n", "has a heading and no rows"},
        Wrong{"slash", "id,patient,image,mask\n../x,p,a.nii.gz,m.mha\n", "an id names files"},
        Wrong{"derived", "id,patient,image,mask,nodule_present\nx,p,a.nii.gz,m.mha,1\n",
              "Rename it"},
        Wrong{"input_name", "id,patient,image,mask,image_mask\nx,p,a.nii.gz,m.mha,m.mha\n",
              "Rename it"},
        Wrong{"both", "id,patient,image,mask,image_pet,pet\nx,p,a.nii.gz,m.mha,m.mha,1\n",
              "Rename one"}),
    [](const auto& info) { return info.param.name; });

TEST_F(RoiSet, BrokenFilesAreNamedWithRowIdAndCause) {
  write_image(folder.path / "small.nii", grid(2, 3, 3), std::vector<uint8_t>(18, 1));
  write_image(folder.path / "coarse.nii", grid(2, 3, 4, {4, 1, 1}), std::vector<uint8_t>(24, 1));
  auto flipped = geometry;
  flipped.direction[0] = flipped.direction[4] = -1;
  write_image(folder.path / "flipped.nii", flipped, std::vector<uint8_t>(24, 1));
  auto moved = geometry;
  moved.origin[2] += 1;
  write_image(folder.path / "moved.nii", moved, std::vector<uint8_t>(24, 1));
  write_image(folder.path / "nan.nii.gz", geometry, std::vector<float>(24, std::nanf("")));
  const auto whole = util::read_file(folder.path / "a.nii.gz");
  folder.write("cut.nii.gz", whole.substr(0, whole.size() - 12));
  const auto text = message(
      "id,patient,image,mask\n"
      "ok,p,a.nii.gz,m.mha\n"
      "A,p,a.nii.gz,small.nii\n"
      "B,p,a.nii.gz,coarse.nii\n"
      "C,p,a.nii.gz,flipped.nii\n"
      "D,p,a.nii.gz,moved.nii\n"
      "E,p,nan.nii.gz,m.mha\n"
      "F,p,cut.nii.gz,m.mha\n");
  EXPECT_THAT(text, HasSubstr("index.csv:3: 'A': "));
  EXPECT_THAT(text, HasSubstr("small.nii: has size 2x3x3, not 2x3x4 (D x H x W)"));
  EXPECT_THAT(text, HasSubstr("coarse.nii: has spacing (4, 1, 1) mm, not (2, 1, 1) (D, H, W)"));
  EXPECT_THAT(text, HasSubstr("flipped.nii: has another orientation"));
  EXPECT_THAT(text, HasSubstr("moved.nii: has origin"));
  EXPECT_THAT(text, HasSubstr("index.csv:7: 'E': "));
  EXPECT_THAT(text, HasSubstr("nan.nii.gz: a voxel is not a finite number"));
  EXPECT_THAT(text, HasSubstr("index.csv:8: 'F': "));
  EXPECT_THAT(text, HasSubstr("cut.nii.gz: "));
  EXPECT_EQ(text.find("'ok'"), std::string::npos);
}

TEST_F(RoiSet, ManyWrongRowsAreCounted) {
  std::string index = "id,patient,image,mask\n";
  for (int i = 0; i < 25; ++i) index += "x" + std::to_string(i) + ",p,none.nii,m.mha\n";
  EXPECT_THAT(message(index), HasSubstr("... and 15 more rows."));
}

TEST_F(RoiSet, FingerprintFollowsContentAndRules) {
  const std::string index = "id,patient,image,mask,readers,margin\nx,p,a.nii.gz,m.mha,4,1\n";
  const auto first = read(index).fingerprint;
  EXPECT_EQ(read(index).fingerprint, first);
  EXPECT_NE(read("id,patient,image,mask,readers,margin\nx,p,a.nii.gz,m.mha,4,2\n").fingerprint,
            first);
  EXPECT_NE(read("id,patient,image,mask,readers,margin\nx,p,b.nrrd,m.mha,4,1\n").fingerprint,
            first);
  options.consensus = 0.5;
  EXPECT_NE(read(index).fingerprint, first);
}

TEST_F(RoiSet, MissingFoldersAreErrors) {
  options.source = (folder.path / "none").string();
  EXPECT_EQ(error_of([&] { read_regions(options); }).fault, Fault::request);
  options.source = folder.path.string();
  EXPECT_THAT(error_of([&] { read_regions(options); }).what(), HasSubstr("has no index.csv"));
}

TEST(WrittenRoiSet, ReadsBackEqual) {
  const Folder folder;
  config::DataOptions options;
  options.count = 6, options.patients = 3, options.malignancy = "raw", options.size = {4, 24, 20};
  auto set = read_regions(options);
  write_roi_set(set, folder.path);
  options.source = folder.path.string();
  const auto back = read_regions(options);
  EXPECT_EQ(back.folds, set.folds);
  EXPECT_EQ(back.target_names, set.target_names);
  ASSERT_THAT(back.regions, SizeIs(6));
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(back.regions[i].image, set.regions[i].image);
    EXPECT_EQ(back.regions[i].mask, set.regions[i].mask);
    EXPECT_EQ(back.regions[i].targets, set.regions[i].targets);
    EXPECT_EQ(back.regions[i].pixel_hash, set.regions[i].pixel_hash);
    EXPECT_EQ(back.regions[i].series, set.regions[i].series);
    EXPECT_EQ(difference(back.regions[i].geometry, set.regions[i].geometry), "");
  }
}

TEST(Lidc, IsReadWholeInSeconds) {
  HILUM_NEED_DATA("lidc_nodules");
  config::DataOptions options;
  options.source = (kShared / "lidc_nodules").string();
  options.consensus = 0.5;
  const auto start = std::chrono::steady_clock::now();
  const auto set = read_regions(options);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  RecordProperty("seconds", std::to_string(seconds.count()));
  EXPECT_LT(seconds.count(), 10);
  EXPECT_THAT(set.regions, SizeIs(731));
  const auto split = make_split(set, options, 0);
  EXPECT_THAT(split.text, HasSubstr("557 regions of"));
  EXPECT_THAT(split.test, SizeIs(174));
  EXPECT_THAT(check_leakage(set, split, options), testing::IsEmpty());
  // The first nodule's count of the 50 % consensus, as in the set's own table.
  EXPECT_EQ(std::count(set.regions[0].mask.begin(), set.regions[0].mask.end(), 1), 5428);
  EXPECT_EQ(set.regions[0].targets.at("malignancy"), 1);
  const auto flipped = std::count_if(set.regions.begin(), set.regions.end(),
                                     [](const Region& r) { return r.geometry.direction[0] < 0; });
  EXPECT_GT(flipped, 0);
  require_targets(set, {"malignancy", "spiculation", "nodule_present"});
}

}  // namespace
}  // namespace hilum::data
