// SPDX-License-Identifier: Apache-2.0
// Crops, the writer of ROI sets, pairs of images and masks, nnU-Net folders.
#include <cmath>
#include <ctime>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/data/folds.hpp"
#include "core/data/prepare/nnunet.hpp"
#include "core/data/prepare/rois.hpp"
#include "core/data/world.hpp"
#include "core/util/files.hpp"
#include "fixture.hpp"
#include "prepare_fixture.hpp"

namespace hilum::data::prepare {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(World, IsInvertedForAnyDirection) {
  Geometry g{{9, 9, 9}, {2.5, 0.7, 0.8}, {-166, 20, 7}, {0, -0.8, 0.6, 1, 0, 0, 0, 0.6, 0.8}};
  const Voxel voxel{1.25, 3, 7.5};
  const World world = to_world(g, voxel);
  // By hand: x = -166 - 0.8*0.7*3 + 0.6*2.5*1.25.
  EXPECT_NEAR(world[0], -166 - 0.8 * 0.7 * 3 + 0.6 * 2.5 * 1.25, 1e-12);
  const Voxel back = to_voxel(g, world);
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(back[i], voxel[i], 1e-12);
  EXPECT_THAT(nearest_voxel(g, to_world(g, {1.4, 2.6, 8})), ElementsAre(1, 3, 8));
  EXPECT_FALSE(inside(g, {0, 9, 0}));
  EXPECT_TRUE(inside(g, {8, 0, 8}));
  g.direction = {1, 0, 0, 1, 0, 0, 0, 0, 1};
  EXPECT_EQ(error_of([&] { to_voxel(g, world); }).fault, Fault::data);
}

TEST(Crop, ReachesBeyondTheScanAndKnowsWhereItIs) {
  const Volume scan = ramp(grid(4, 5, 6));
  const Volume part = crop(scan, {{-1, 3, 4}, {3, 4, 3}}, -77);
  EXPECT_THAT(part.geometry.origin, ElementsAre(10 + 4, -20 + 3, 30 - 2));
  const auto at = [&](int64_t z, int64_t y, int64_t x) {
    return part.voxels[static_cast<size_t>((z * 4 + y) * 3 + x)];
  };
  EXPECT_EQ(at(0, 0, 0), -77) << "above the scan";
  EXPECT_EQ(at(1, 0, 0), scan.voxels[(0 * 5 + 3) * 6 + 4]);
  EXPECT_EQ(at(2, 1, 1), scan.voxels[(1 * 5 + 4) * 6 + 5]);
  EXPECT_EQ(at(2, 1, 2), -77) << "right of it";
  EXPECT_EQ(at(2, 2, 0), -77) << "below it";
  const Volume far = crop(scan, {{50, -50, 0}, {2, 2, 2}}, 3);
  EXPECT_THAT(far.voxels, testing::Each(3));
}

// Symmetric masks and even sizes: the centroid falls between two boxes.
TEST(Crop, OfAFlippedImageIsTheSamePlace) {
  const Volume scan = ramp(grid(7, 20, 24, {2.5, 0.7, 0.7}));
  for (const int64_t side : {8, 9})
    for (const std::vector<double>& spacing : {std::vector<double>{}, {1.0, 0.9, 1.1}})
      for (const int64_t x : {5, 12, 22}) {
        CropRules rules;
        rules.size = {side, side}, rules.spacing = spacing;
        Volume mask{scan.geometry, std::vector<float>(scan.voxels.size())};
        mask.voxels[static_cast<size_t>((3 * 20 + 9) * 24 + x)] = 1;
        const auto cropped = [&](const Volume& image, const Volume& nodule) {
          const Box box = crop_box(nodule, rules);
          Row row;
          row.image = crop(image, box, -1000), row.mask = crop(nodule, box, 0);
          bring_to_spacing(row, rules);
          return row;
        };
        const Row straight = cropped(scan, mask);
        const Row turned = cropped(flipped(scan), flipped(mask));
        const Volume back = flipped(turned.image);
        EXPECT_EQ(difference(back.geometry, straight.image.geometry), "") << side << " " << x;
        ASSERT_EQ(back.voxels.size(), straight.image.voxels.size());
        for (size_t i = 0; i < back.voxels.size(); ++i)
          ASSERT_NEAR(back.voxels[i], straight.image.voxels[i], 2e-3) << side << " " << x;
        if (spacing.empty()) {
          EXPECT_EQ(straight.image.geometry.size, (std::array<int64_t, 3>{3, side, side}));
          EXPECT_EQ(flipped(turned.mask).voxels, straight.mask.voxels);
        } else {
          EXPECT_EQ(straight.image.geometry.size, (std::array<int64_t, 3>{8, side, side}));
        }
      }
}

TEST(Crop, AsLargeAsTheNoduleOrResampled) {
  Volume mask{grid(9, 30, 30), std::vector<float>(9 * 30 * 30)};
  for (const size_t i : {size_t{(3 * 30 + 10) * 30 + 12}, size_t{(4 * 30 + 15) * 30 + 13}})
    mask.voxels[i] = 1;
  CropRules rules;
  rules.size = {0, 0}, rules.margin = 2, rules.empty_slices = 1;
  const Box box = crop_box(mask, rules);
  EXPECT_THAT(box.from, ElementsAre(2, 8, 10));
  EXPECT_THAT(box.size, ElementsAre(4, 10, 6));
  EXPECT_EQ(error_of([&] { crop_box({grid(1, 1, 2), {0, 0}}, rules); }).fault, Fault::data);

  // A linear ramp in mm stays the same function of the place whatever the spacing.
  Volume scan = mask;
  for (int64_t i = 0; i < 9 * 30 * 30; ++i)
    scan.voxels[static_cast<size_t>(i)] =
        static_cast<float>(to_world(scan.geometry, {0, 0, static_cast<double>(i % 30)})[0] * 10);
  rules.size = {10, 12}, rules.spacing = {1, 0.5, 0.5}, rules.empty_slices = 0;
  Row row;
  const Box even = crop_box(mask, rules);
  row.image = crop(scan, even, 0), row.mask = crop(mask, even, 0);
  bring_to_spacing(row, rules);
  EXPECT_THAT(row.image.geometry.size, ElementsAre(4, 10, 12));
  EXPECT_THAT(row.image.geometry.spacing, ElementsAre(1, 0.5, 0.5));
  for (int64_t w = 2; w < 10; ++w)
    EXPECT_NEAR(row.image.voxels[static_cast<size_t>((1 * 10 + 4) * 12 + w)],
                10 * to_world(row.image.geometry, {1, 4, static_cast<double>(w)})[0], 1e-3);
  for (const float value : row.mask.voxels) EXPECT_TRUE(value == 0 || value == 1) << value;
}

Row simple_row(const std::string& id, float seed) {
  Row row{id, "P " + id, "1.2", "1", 4, ramp(grid(2, 4, 5), seed), {}, {{"margin", 2.5}}, {}};
  row.mask = {row.image.geometry, std::vector<float>(40)};
  row.mask.voxels[7] = 3;
  return row;
}

TEST(Writer, IsReadBackAsItWasGiven) {
  const Folder folder;
  const fs::path out = folder.path / "deep" / "set";
  Row a = simple_row("a", 1), b = simple_row("b", 2);
  b.targets = {{"size_mm", 7.125}, {"margin", NAN}};
  b.image.voxels[0] = 1e6F, b.image.voxels[1] = -3.5F;
  a.more["pet"] = b.more["pet"] = {a.image.geometry, std::vector<float>(40, 0.25F)};
  Writer writer(out, "test", {{"rule", "x"}});
  writer.add(b), writer.add(a);
  writer.folds({{"a", "0"}, {"b", "1"}});
  const auto fingerprint = writer.finish({{{"things", 2}}, {{"c", "torn"}}, {"a note"}});

  const auto set = read_roi_set(out, {.consensus = 0.5, .malignancy = "raw"});
  EXPECT_THAT(set.notes, IsEmpty());
  ASSERT_EQ(set.regions.size(), 2U);
  EXPECT_EQ(set.regions[0].id, "a");
  EXPECT_EQ(set.regions[0].patient, "P a");
  EXPECT_EQ(set.regions[0].image, a.image.voxels);
  EXPECT_EQ(set.regions[0].mask[7], 1) << "three of four readers";
  EXPECT_EQ(difference(set.regions[0].geometry, a.image.geometry), "");
  EXPECT_EQ(set.regions[0].targets.at("margin"), 2.5);
  EXPECT_TRUE(std::isnan(set.regions[1].targets.at("margin")));
  EXPECT_EQ(set.regions[1].targets.at("size_mm"), 7.125);
  EXPECT_EQ(set.regions[1].more_images.at("pet")[3], 0.25F);
  EXPECT_EQ(set.regions[1].image[0], 32767) << "clipped";
  EXPECT_EQ(set.regions[1].image[1], -4) << "rounded";
  EXPECT_EQ(read_folds(out / "folds.csv", set.regions).at("b"), "1");

  const auto about = nlohmann::json::parse(util::read_file(out / "fingerprint.json"));
  EXPECT_EQ(about.at("fingerprint"), fingerprint);
  EXPECT_EQ(about.at("rules").at("rule"), "x");
  EXPECT_EQ(about.at("spacing_mm").at("max").at(0), 2);
  EXPECT_EQ(about.at("dropped_by_reason").at("torn"), 1);
  EXPECT_THAT(about.at("notes").dump(), HasSubstr("'b': 1 voxels clipped"));
  EXPECT_EQ(about.at("hashes").size(), 2U);
}

TEST(Writer, FingerprintIsThatOfTheContent) {
  const Folder folder;
  int serial = 0;
  const auto print = [&](const std::string& rule, bool turn, float seed) {
    Writer writer(folder.path / std::to_string(serial++), "test", {{"rule", rule}});
    writer.add(simple_row(turn ? "b" : "a", turn ? 2 : seed));
    writer.add(simple_row(turn ? "a" : "b", turn ? seed : 2));
    return writer.finish({});
  };
  const auto first = print("x", false, 1);
  EXPECT_EQ(print("x", true, 1), first) << "whatever the order";
  EXPECT_NE(print("y", false, 1), first) << "another rule";
  EXPECT_NE(print("x", false, 5), first) << "other voxels";
}

TEST(Writer, LeavesNothingThatLooksWhole) {
  const Folder folder;
  const fs::path out = folder.path / "set";
  {
    Writer writer(out, "test", {});
    writer.add(simple_row("a", 1));
    EXPECT_EQ(error_of([&] { writer.add(simple_row("a", 1)); }).fault, Fault::data);
    EXPECT_EQ(error_of([&] { writer.add(simple_row("../b", 1)); }).fault, Fault::data);
    Row odd = simple_row("c", 1);
    odd.mask.voxels[0] = 0.5F;
    EXPECT_THAT(error_of([&] { writer.add(odd); }).what(), HasSubstr("0.5"));
    odd = simple_row("d", 1);
    odd.mask.geometry.origin[0] += 5;
    EXPECT_THAT(error_of([&] { writer.add(odd); }).what(), HasSubstr("origin"));
    odd = simple_row("e", 1);
    for (float& value : odd.image.voxels) value /= 100;
    EXPECT_THAT(error_of([&] { writer.add(odd); }).what(), HasSubstr("no HU"));
  }
  EXPECT_TRUE(fs::is_empty(folder.path)) << "not finished";
  EXPECT_EQ(error_of([&] { Writer(out, "test", {}).finish({}); }).fault, Fault::data);
  EXPECT_TRUE(fs::is_empty(folder.path)) << "no region";
  folder.write("index.csv", "id\n");
  EXPECT_EQ(error_of([&] { Writer(folder.path, "test", {}); }).fault, Fault::request);
}

/// A scan with two nodules, of which one has a diagonal neighbour and a value of its own.
void write_pair(const Folder& folder) {
  const Volume scan = ramp(grid(6, 24, 24));
  std::vector<float> mask(scan.voxels.size());
  const auto at = [](size_t z, size_t y, size_t x) { return (z * 24 + y) * 24 + x; };
  mask[at(1, 5, 5)] = mask[at(2, 6, 6)] = 1;
  for (size_t x = 15; x < 19; ++x) mask[at(4, 15, x)] = 2;
  write_image(folder.path / "in" / "ct.nii.gz", scan.geometry, scan.voxels);
  write_image(folder.path / "in" / "seg.nii.gz", scan.geometry, mask);
}

TEST(Rois, OneRegionAComponentOrAMask) {
  const Folder folder;
  write_pair(folder);
  RoisSource source{
      folder.write("t.csv", "image,mask,patient,score\nin/ct.nii.gz,in/seg.nii.gz,P,3\n"),
      {},
      {},
      {}};
  source.rules.crop.size = {8, 8};
  source.rules.components = true;
  const auto two = prepare_rois(source, folder.path / "two");
  EXPECT_EQ(two.report.kept.at("regions"), 2);
  const auto set = read_roi_set(folder.path / "two", {});
  EXPECT_THAT(set.notes, IsEmpty());
  ASSERT_EQ(set.regions.size(), 2U);
  EXPECT_EQ(set.regions[0].id, "in_ct_1");
  EXPECT_EQ(set.regions[1].nodule, "2");
  EXPECT_EQ(set.regions[1].targets.at("score"), 3);
  const auto foreground = [](const Region& r) {
    return std::count(r.mask.begin(), r.mask.end(), 1);
  };
  EXPECT_EQ(foreground(set.regions[0]), 2) << "joined across a corner";
  EXPECT_EQ(foreground(set.regions[1]), 4);
  EXPECT_THAT(set.regions[0].geometry.size, ElementsAre(4, 8, 8));
  EXPECT_THAT(set.regions[1].geometry.size, ElementsAre(3, 8, 8));

  source.rules.least = 3;
  EXPECT_EQ(prepare_rois(source, folder.path / "large").report.dropped.size(), 1U);
  source.rules = {};
  source.label = 2;
  prepare_rois(source, folder.path / "label");
  EXPECT_EQ(foreground(read_roi_set(folder.path / "label", {}).regions[0]), 4);
  source.label.reset();
  source.rules.whole = true;
  prepare_rois(source, folder.path / "whole");
  const auto whole = read_roi_set(folder.path / "whole", {});
  EXPECT_EQ(whole.regions[0].image, ramp(grid(6, 24, 24)).voxels);
  EXPECT_EQ(foreground(whole.regions[0]), 6);
  source.rules = {};
  source.rules.crop.size = {8, 8};
  EXPECT_THAT(prepare_rois(source, folder.path / "cut").report.notes,
              ElementsAre(HasSubstr("lie outside the crop")));
}

TEST(Rois, ATableThatIsWrongIsAnErrorAndLeavesNothing) {
  const Folder folder;
  write_pair(folder);
  const auto fails = [&](const std::string& text, const std::string& says) {
    RoisSource source{folder.write("t.csv", text), {}, {}, {}};
    const auto error = error_of([&] { prepare_rois(source, folder.path / "set"); });
    EXPECT_EQ(error.fault, Fault::data) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(says));
    for (const auto& entry : fs::directory_iterator(folder.path))
      EXPECT_THAT(entry.path().filename().string(), testing::AnyOf("in", "t.csv"));
  };
  const std::string pair = "in/ct.nii.gz,in/seg.nii.gz";
  fails("image,msk\n" + pair + "\n", "no column 'mask'. Did you mean 'msk'?");
  fails("image,mask\n", "no rows");
  fails("image,mask\nin/ct.nii.gz,in/../../seg.nii.gz\n",
        "t.csv:2: column 'mask': value 'in/../../seg.nii.gz': lies outside");
  fails("image,mask\n/etc/passwd,in/seg.nii.gz\n", "lies outside");
  fails("image,mask\nin/ct.nii.gz,in/none.nii.gz\n", "no such file");
  fails("image,mask,score\n" + pair + ",NaN\n", "column 'score': value 'NaN': is not finite");
  fails("image,mask,score\n" + pair + ",high\n", "is no number");
  fails("image,mask,readers\n" + pair + ",0\n", "from 1 to 255");
  fails("image,mask,id\n" + pair + ",a\n" + pair + ",a\n", "t.csv:3: id: value 'a'");
  fails("image,mask,id\n" + pair + ",a/b\n", "no '/'");
  const auto whole = util::read_file(folder.path / "in" / "ct.nii.gz");
  util::write_file(folder.path / "in" / "torn.nii.gz", whole.substr(0, whole.size() / 2));
  fails("image,mask\n" + pair + "\nin/torn.nii.gz,in/seg.nii.gz\n", "t.csv:3: ");
  write_image(folder.path / "in" / "other.nii.gz", grid(6, 24, 23), ramp(grid(6, 24, 23)).voxels);
  fails("image,mask\nin/ct.nii.gz,in/other.nii.gz\n", "size 6x24x23");
}

TEST(Rois, AMillionRowsAreRefusedInSeconds) {
  const Folder folder;
  write_pair(folder);
  std::string text = "image,mask,id,score\n";
  for (int i = 0; i < 1000000; ++i)
    text += "in/ct.nii.gz,in/seg.nii.gz,r" + std::to_string(i) + ",1\n";
  text += "in/ct.nii.gz,in/seg.nii.gz,last,x\n";
  RoisSource source{folder.write("t.csv", text), {}, {}, {}};
  const auto start = std::clock();  // of this process: others may have the cores
  const auto error = error_of([&] { prepare_rois(source, folder.path / "set"); });
  EXPECT_THAT(error.what(), HasSubstr("t.csv:1000002: column 'score'"));
  EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, 5);
}

/// Three cases of two patients.
class Nnunet : public testing::Test {
 protected:
  void SetUp() override {
    const Volume scan = ramp(grid(4, 12, 12));
    std::vector<float> mask(scan.voxels.size());
    mask[(1 * 12 + 6) * 12 + 6] = 1, mask[(2 * 12 + 6) * 12 + 6] = 2;
    for (const auto* name : {"P1_a", "P1_b", "P2_a"}) {
      const std::string start = "imagesTr/" + std::string(name);
      write_image(folder.path / "d" / (start + "_0000.nii.gz"), scan.geometry, scan.voxels);
      write_image(folder.path / "d" / (start + "_0001.nii.gz"), scan.geometry, scan.voxels);
      write_image(folder.path / "d" / "labelsTr" / (std::string(name) + ".nii.gz"), scan.geometry,
                  mask);
    }
  }
  void json(const std::string& text) { util::write_file(folder.path / "d" / "dataset.json", text); }
  NnunetSource source(const std::string& label = "") const {
    NnunetSource s{folder.path / "d", label, "^(P\\d+)_", "", {}};
    s.rules.crop.size = {6, 6};
    return s;
  }
  std::string fails(const NnunetSource& source, Fault fault = Fault::data) {
    const auto error = error_of([&] { prepare_nnunet(source, folder.path / "set"); });
    EXPECT_EQ(error.fault, fault) << error.what();
    EXPECT_FALSE(fs::exists(folder.path / "set"));
    return error.what();
  }
  const std::string kTwo =
      R"({"channel_names": {"0": "CT", "1": "pet"}, "labels": {"background": 0, "nodule": 1,
          "any": [1, 2]}, "numTraining": 3, "file_ending": ".nii.gz"})";
  Folder folder;
};

TEST_F(Nnunet, Version2WithChannelsRegionsAndSplits) {
  json(kTwo);
  util::write_file(folder.path / "d" / "splits_final.json",
                   R"([{"train": ["P2_a"], "val": ["P1_a", "P1_b"]},
                       {"train": ["P1_a", "P1_b"], "val": ["P2_a"]}])");
  prepare_nnunet(source("any"), folder.path / "any");
  const auto set = read_roi_set(folder.path / "any", {});
  EXPECT_THAT(set.notes, IsEmpty());
  ASSERT_EQ(set.regions.size(), 3U);
  EXPECT_EQ(set.regions[1].patient, "P1");
  EXPECT_EQ(std::count(set.regions[0].mask.begin(), set.regions[0].mask.end(), 1), 2);
  EXPECT_EQ(set.regions[0].more_images.at("pet"), set.regions[0].image);
  const auto folds = read_folds(folder.path / "any" / "folds.csv", set.regions);
  EXPECT_EQ(folds.at("P1_b"), "0");
  EXPECT_EQ(folds.at("P2_a"), "1");
  prepare_nnunet(source("nodule"), folder.path / "one");
  const auto one = read_roi_set(folder.path / "one", {});
  EXPECT_EQ(std::count(one.regions[0].mask.begin(), one.regions[0].mask.end(), 1), 1);
  EXPECT_THAT(fails(source("nodul"), Fault::request), HasSubstr("Did you mean 'nodule'?"));
  util::write_file(folder.path / "d" / "splits_final.json", R"([{"val": ["P1_a", "P2_a"]}])");
  EXPECT_THAT(fails(source()), HasSubstr("'P1_b' is validated in no fold"));
}

TEST_F(Nnunet, Version1AndWhatDoesNotFit) {
  json(R"({"modality": {"0": "CT"}, "labels": {"0": "background", "1": "a", "2": "b"},
           "numTraining": 3})");
  prepare_nnunet(source(), folder.path / "v1");
  EXPECT_EQ(read_roi_set(folder.path / "v1", {}).regions.size(), 3U);
  EXPECT_FALSE(fs::exists(folder.path / "v1" / "folds.csv"));
  json(R"({"modality": {"0": "CT"}, "labels": {"0": "background", "1": "a"}})");
  EXPECT_THAT(fails(source()), HasSubstr("label 2, which dataset.json does not explain"));
  json(R"({"modality": {"0": "CT"}, "labels": {"0": "background", "1": "a", "2": "b"},
           "numTraining": 4})");
  EXPECT_THAT(fails(source()), HasSubstr("labelsTr has 3 cases"));
  json(R"({"channel_names": {"0": "CT", "1": "T1 w"}, "labels": {"a": 1, "b": 2}})");
  EXPECT_THAT(fails(source()), HasSubstr("'T1 w' cannot name an input"));
  json(R"({"channel_names": {"0": "CT"}, "labels": {"a": 1, "ignore": 2}})");
  EXPECT_THAT(fails(source()), HasSubstr("ignore"));
  json(R"({"labels": )");
  EXPECT_THAT(fails(source()), HasSubstr("is no JSON"));
  json(kTwo);
  NnunetSource bad = source();
  bad.patient_regex = "(";
  EXPECT_THAT(fails(bad, Fault::request), HasSubstr("regular expression"));
  fs::remove(folder.path / "d" / "imagesTr" / "P2_a_0001.nii.gz");
  EXPECT_THAT(fails(source()), HasSubstr("P2_a_0001.nii.gz: does not exist"));
}

}  // namespace
}  // namespace hilum::data::prepare
