// SPDX-License-Identifier: Apache-2.0
// LUNA16 with the radiologists' readings: on scans made here in every order of voxels, and on real
// ones.
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <set>

#include "core/data/csv.hpp"
#include "core/data/lidc/prepare.hpp"
#include "core/data/lidc/ratings.hpp"
#include "core/data/prepare/luna16_readings.hpp"
#include "luna16_fixture.hpp"

namespace hilum::data::prepare {
namespace {
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

TEST_F(Luna16Xml, OneMaskInThePatientForEveryOrderOfVoxels) {
  std::string rows;
  const auto add = [&](const std::string& series, const Volume& scan, bool reversed) {
    write_scan(series, scan), write_xml(series, reversed), rows += annotation(series);
  };
  add("1.1", scan_, false);
  add("1.2", flipped(scan_), true);   // as LUNA16 has it: flipped in DICOM and in the .mhd
  add("1.3", flipped(scan_), false);  // turned after the readings
  add("1.4", upside_down(scan_), false);
  add("1.5", flipped(upside_down(scan_)), true);
  annotate(rows);
  const auto made = prepare_luna16(s_, folder_.path / "set");
  EXPECT_THAT(made.report.dropped, IsEmpty());
  ASSERT_EQ(made.report.notes.size(), 1U) << join(made.report.notes, "\n");
  EXPECT_THAT(made.report.notes[0], AllOf(HasSubstr("1.3: "), HasSubstr("not as the scan is")));
  for (const auto* id : {"1.1_1", "1.2_1", "1.3_1", "1.4_1", "1.5_1"}) expect_the_nodule(id);

  config::DataOptions raw;
  raw.malignancy = "raw";
  const auto set = read_roi_set(folder_.path / "set", raw);
  EXPECT_EQ(set.regions[0].targets.at("malignancy"), 2.5);
  EXPECT_EQ(set.regions[0].targets.at("diameter_mm"), 8);
  const Csv index = Csv::read(folder_.path / "set" / "index.csv");
  EXPECT_EQ(index.rows[0].cells[index.need("readers")], "4");
  EXPECT_EQ(made.rules.at("mask"), "agree");
  EXPECT_EQ(made.rules.at("min_readers"), "3");
  EXPECT_FALSE(made.rules.contains("max_slice_gap")) << "a rule that is not used";
}

TEST_F(Luna16Xml, WhatHasNoReadingsOrCannotBePlacedIsDropped) {
  Volume tilted = scan_;
  tilted.geometry.direction = {
      std::cos(0.2), -std::sin(0.2), 0, std::sin(0.2), std::cos(0.2), 0, 0, 0, 1};
  for (const auto* series : {"1.1", "1.2"}) write_scan(series, scan_);
  write_scan("1.3", tilted);
  const Square alone{30, 33, 8, 11};
  write_xml("1.1", false, nodule(outline(z(15), alone), 1));
  write_xml("1.3");
  annotate(annotation("1.1") + annotation("1.1", {15, 9.5, 31.5}) + annotation("1.1", {3, 20, 30}) +
           annotation("1.1", {9, 30, 11}) + annotation("1.2") + annotation("1.3"));
  const auto made = prepare_luna16(s_, folder_.path / "set");
  EXPECT_EQ(made.report.kept.at("nodules"), 2);
  const auto& dropped = made.report.dropped;
  EXPECT_EQ(dropped.size(), 4U);
  EXPECT_THAT(dropped, Contains(Pair("1.1_2", "marked by fewer than 3 readers")));
  EXPECT_THAT(dropped, Contains(Pair("1.1_3", "no nodule of the readings at the annotated place")));
  EXPECT_THAT(dropped, Contains(Pair("1.2", "no readings of this scan in the XML")));
  EXPECT_THAT(dropped, Contains(Pair("1.3", HasSubstr("axes are not the patient's"))));
  EXPECT_THAT(made.report.notes, Contains("1.1_1 and 1.1_4 are one nodule of the readings"));

  s_.readings.min_readers = 1;
  EXPECT_EQ(prepare_luna16(s_, folder_.path / "one").report.kept.at("nodules"), 3);
}

TEST_F(Luna16Xml, NegativesHaveNothingThatAReaderMarked) {
  write_scan("1.1", scan_);
  write_xml(
      "1.1", false,
      nodule(outline(z(15), {30, 33, 8, 11}), 1) + point(z(3), 40, 10) + point(z(16), 14, 31));
  annotate(annotation("1.1"));
  std::string rows = "seriesuid,coordX,coordY,coordZ,class\n";
  for (const Voxel& at : {Voxel{15, 10, 36}, Voxel{3, 12, 38}, Voxel{3, 30, 36}}) {
    const World world = to_world(scan_.geometry, at);
    rows += fmt::format("1.1,{},{},{},0\n", world[0], world[1], world[2]);
  }
  s_.candidates = folder_.write("candidates.csv", rows);
  s_.negatives = 3, s_.negative_slices = 1, s_.crop.size = {8, 8};
  const auto made = prepare_luna16(s_, folder_.path / "set");
  EXPECT_EQ(made.report.kept.at("regions without nodule"), 1);
  const std::string why = "an outline of the readings lies in the box of a negative";
  ASSERT_EQ(made.report.dropped.size(), 2U);
  EXPECT_THAT(made.report.dropped, Contains(Pair("1.1_n2", why)));
  EXPECT_THAT(made.report.dropped, Contains(Pair("1.1_n3", why))) << "below 3 mm";
  config::DataOptions half;
  half.consensus = 0.5;
  const auto set = read_roi_set(folder_.path / "set", half);  // negatives have readers too
  ASSERT_EQ(set.regions.size(), 2U);
  EXPECT_EQ(std::count(set.regions[0].mask.begin(), set.regions[0].mask.end(), 1), 3 * 20);
  EXPECT_EQ(std::count(set.regions[1].mask.begin(), set.regions[1].mask.end(), 1), 0);

  s_.candidates.clear(), s_.negatives = 50;
  const auto slices = prepare_luna16(s_, folder_.path / "slices");
  ASSERT_EQ(slices.report.dropped.size(), 1U);
  EXPECT_THAT(slices.report.dropped[0], Pair("1.1_n1_16", why));
  EXPECT_FALSE(fs::exists(folder_.path / "slices" / "mask" / "1.1_n1_16.nii.gz"));
  EXPECT_TRUE(fs::exists(folder_.path / "slices" / "mask" / "1.1_n1_17.nii.gz"));
}

TEST_F(Luna16Xml, OneSourceOfMasksOfThree) {
  write_scan("1.1", scan_), annotate(annotation("1.1"));
  const auto fails = [&](const Luna16Source& s, const std::string& says, Fault fault) {
    const auto error = error_of([&] { prepare_luna16(s, folder_.path / "set"); });
    EXPECT_EQ(error.fault, fault) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(says));
    EXPECT_FALSE(fs::exists(folder_.path / "set"));
  };
  fails(s_, "no .xml file below it", Fault::data);
  auto s = s_;
  s.sphere = true;
  for (const auto* name : {"--masks", "--mask sphere", "--xml"}) fails(s, name, Fault::request);
  s = s_, s.masks = folder_.path;
  fails(s, "one of the three", Fault::request);
  s.xml.clear(), s.masks.clear();
  fails(s, "one of the three", Fault::request);
  s = s_, s.xml = folder_.path / "none";
  fails(s, "none: no such folder", Fault::request);
  s = s_, s.readings.cluster.rule = "iuo";
  fails(s, "iou", Fault::request);
  write_xml("9.9");
  fails(s_, "no readings of this scan", Fault::data);
}

int at_or_0(const Volume& volume, const World& place) {
  const auto at = nearest_voxel(volume.geometry, place);
  if (!inside(volume.geometry, at)) return 0;
  const auto& size = volume.geometry.size;
  return static_cast<int>(
      volume.voxels[static_cast<size_t>((at[0] * size[1] + at[1]) * size[2] + at[2])]);
}

TEST(Luna16XmlReal, TheSameMaskAndRatingsAsFromDicom) {
  HILUM_NEED_DATA("luna_mini");
  HILUM_NEED_DATA("lidc_dicom_xml");
  const Folder folder;
  Luna16Source s;
  s.scans = kShared / "luna_mini", s.annotations = kShared / "luna_mini" / "annotations.csv";
  s.xml = kShared / "lidc_dicom_xml", s.readings.statistics = {"readers"};
  const auto made = prepare_luna16(s, folder.path / "luna");
  EXPECT_EQ(made.report.kept.at("nodules"), 1);
  lidc::Rules rules;
  rules.statistics = {"readers"};
  lidc::prepare_lidc(s.xml, s.xml, folder.path / "lidc", rules);
  const Csv ours = Csv::read(folder.path / "luna" / "index.csv"),
            theirs = Csv::read(folder.path / "lidc" / "index.csv");
  for (const auto& column : theirs.columns) {
    if (std::set<std::string>{"id", "patient", "image", "mask"}.contains(column)) continue;
    EXPECT_EQ(ours.rows[0].cells[ours.need(column)], theirs.rows[0].cells[theirs.need(column)])
        << column;
  }
  const auto load = [&](const Csv& csv, const char* column) {
    return read_image(csv.file.parent_path() / csv.rows[0].cells[csv.need(column)]);
  };
  const Volume image = load(ours, "image"), mask = load(ours, "mask"),
               their_image = load(theirs, "image"), their_mask = load(theirs, "mask");
  size_t i = 0, nodule = 0, wrong = 0;
  for (int64_t d = 0; d < mask.geometry.size[0]; ++d)
    for (int64_t h = 0; h < mask.geometry.size[1]; ++h)
      for (int64_t w = 0; w < mask.geometry.size[2]; ++w, ++i) {
        const World place = to_world(mask.geometry, {double(d), double(h), double(w)});
        wrong += at_or_0(their_mask, place) != static_cast<int>(mask.voxels[i]);
        if (inside(their_image.geometry, nearest_voxel(their_image.geometry, place)))
          wrong += at_or_0(their_image, place) != static_cast<int>(image.voxels[i]);
        nodule += mask.voxels[i] != 0;
      }
  EXPECT_EQ(wrong, 0U);
  EXPECT_EQ(nodule, 6547U);
}

// The plane of 512 x 512 of which the table's crop was cut, with the crop's slices.
Geometry plane_of(const Geometry& crop, int64_t column, int64_t row) {
  Geometry scan = crop;
  scan.size = {crop.size[0], 512, 512};
  scan.origin = to_world(crop, {0, -static_cast<double>(row), -static_cast<double>(column)});
  return scan;
}

// Real scans' grids, outlines in the XML and LUNA16's centres. Where the header has x and y
// backwards, masks that were made without this program tell in which order pixels are counted.
TEST(Luna16XmlReal, OutlinesAreInTheOrderOfTheVoxels) {
  HILUM_NEED_DATA("lidc_xml");
  HILUM_NEED_DATA("lidc_nodules");
  const Folder folder;
  const std::string archive = (kShared / "lidc_xml" / "lidc_xml.tar.xz").string();
  if (std::system(("tar xJf '" + archive + "' -C '" + folder.path.string() + "'").c_str()) != 0)
    GTEST_SKIP() << "no tar with xz";
  const Csv table = Csv::read(kShared / "lidc_nodules" / "nodules.csv"),
            readers = Csv::read(kShared / "lidc_nodules" / "reader_ratings.csv");
  int64_t nodules = 0, backwards = 0, equal = 0;
  for (const auto& row : table.rows) {
    const auto text = [&](const char* column) { return row.cells[table.need(column)]; };
    const auto number = [&](const char* column) { return to_number(text(column)).value(); };
    const Volume agree = read_image(kShared / "lidc_nodules" / "agree" / text("file"));
    const auto plane = plane_of(agree.geometry, static_cast<int64_t>(number("px_x0")),
                                static_cast<int64_t>(number("px_y0")));
    std::vector<lidc::ReadingFile> files;
    for (const auto& reader : readers.rows)
      if (files.empty() && reader.cells[readers.need("file")] == text("file"))
        files.push_back(lidc::read_readings(folder.path / reader.cells[readers.need("xml")]));
    const luna16::Mark mark{
        {number("coordX"), number("coordY"), number("coordZ")}, number("diameter_mm"), 0};
    Report report;
    const luna16::ScanReadings readings(text("seriesuid"), plane, std::move(files), {mark}, {},
                                        report);
    EXPECT_THAT(report.notes, Not(Contains(HasSubstr("patient's axes")))) << text("file");
    Row of_nodule;
    const auto found = readings.nodule(mark, of_nodule);
    ++nodules;
    if (agree.geometry.direction[0] > 0) continue;
    ++backwards;
    size_t i = 0, less = 0, more = 0;
    for (int64_t d = 0; d < agree.geometry.size[0]; ++d)
      for (int64_t h = 0; h < agree.geometry.size[1]; ++h)
        for (int64_t w = 0; w < agree.geometry.size[2]; ++w) {
          const World place = to_world(agree.geometry, {double(d), double(h), double(w)});
          const int theirs = static_cast<int>(agree.voxels[i++]), is = at_or_0(found.mask, place);
          less += is<theirs, more += is> theirs;
        }
    EXPECT_EQ(of_nodule.readers, static_cast<int64_t>(number("n_annotations"))) << text("file");
    EXPECT_EQ(more, 0U) << text("file");
    EXPECT_LE(less, 48U) << text("file");  // the reference keeps the outlines of holes as nodule
    equal += less == 0;
  }
  EXPECT_EQ(nodules, 731) << "with a nodule of three readers at the annotated place";
  EXPECT_EQ(backwards, 20);
  EXPECT_EQ(equal, 14) << "those without holes";
}

}  // namespace
}  // namespace hilum::data::prepare
