// SPDX-License-Identifier: Apache-2.0
// Real scans and readings against volumes and tables that were made without this program.
#include <cmath>
#include <cstdlib>
#include <utility>

#include "core/data/csv.hpp"
#include "core/data/lidc/outline.hpp"
#include "core/data/lidc/prepare.hpp"
#include "core/data/lidc/ratings.hpp"
#include "core/data/world.hpp"
#include "tests/unit/data/fixture.hpp"

namespace hilum::data::lidc {
namespace {

const fs::path kNodules = kShared / "lidc_nodules";
const fs::path kScans = kShared / "lidc_dicom_xml";

// Names in the tables that go with rating_names().
const Strings kTheirs = {"subtlety",   "internalStructure", "calcification", "sphericity", "margin",
                         "lobulation", "spiculation",       "texture",       "malignancy"};

double cell(const Csv& csv, const Csv::Row& row, const std::string& column) {
  return to_number(row.cells[csv.need(column)]).value();
}
std::string text(const Csv& csv, const Csv::Row& row, const std::string& column) {
  return row.cells[csv.need(column)];
}

// file -> rows of reader_ratings.csv
std::map<std::string, std::vector<Csv::Row>> rows_of_nodules(const Csv& csv) {
  std::map<std::string, std::vector<Csv::Row>> rows;
  for (const auto& row : csv.rows) rows[text(csv, row, "file")].push_back(row);
  return rows;
}

TEST(LidcPrepare, TheFirstPatientEqualsItsReferenceVoxelForVoxel) {
  if (!fs::exists(kScans)) GTEST_SKIP() << "no shared/data";
  Folder folder;
  Rules rules;
  rules.statistics = {"readers", "mode"};
  const auto done = prepare_lidc(kScans, kScans, folder.path / "set", rules);
  EXPECT_EQ(done.report.kept.at("nodules"), 1);
  EXPECT_EQ(done.report.kept.at("readings"), 4);
  const Csv index = Csv::read(folder.path / "set" / "index.csv");
  ASSERT_EQ(index.rows.size(), 1U);
  EXPECT_EQ(text(index, index.rows[0], "id"), "LIDC-IDRI-0001_1");
  EXPECT_EQ(text(index, index.rows[0], "readers"), "4");

  const Csv theirs = Csv::read(kNodules / "index.csv");
  EXPECT_EQ(text(index, index.rows[0], "series"), text(theirs, theirs.rows[0], "series"));
  for (const auto& name : rating_names())
    EXPECT_EQ(cell(index, index.rows[0], name), cell(theirs, theirs.rows[0], name)) << name;
  const Csv table = Csv::read(kNodules / "reader_ratings.csv");
  for (size_t reader = 0; reader < 4; ++reader)
    for (size_t i = 0; i < kTheirs.size(); ++i)
      EXPECT_EQ(
          cell(index, index.rows[0], rating_names()[i] + "_reader" + std::to_string(reader + 1)),
          cell(table, table.rows[reader], kTheirs[i]));

  const std::string file = "LIDC-IDRI-0001_R_1.nii.gz";
  const Volume image = read_image(kNodules / "image" / file),
               mask = read_image(kNodules / "mask_union" / file),
               agree = read_image(kNodules / "agree" / file);
  const Volume our_image = read_image(folder.path / "set" / text(index, index.rows[0], "image")),
               our_agree = read_image(folder.path / "set" / text(index, index.rows[0], "mask"));
  const auto size = image.geometry.size, ours = our_image.geometry.size;
  EXPECT_EQ(ours[1], 128);
  EXPECT_EQ(ours[2], 128);
  int64_t compared = 0, wrong = 0, nodule = 0;
  size_t i = 0;
  for (int64_t d = 0; d < size[0]; ++d)
    for (int64_t h = 0; h < size[1]; ++h)
      for (int64_t w = 0; w < size[2]; ++w, ++i) {
        const auto place = to_world(image.geometry, {static_cast<double>(d), static_cast<double>(h),
                                                     static_cast<double>(w)});
        const auto at = nearest_voxel(our_image.geometry, place);
        if (!inside(our_image.geometry, at)) continue;
        const auto j = static_cast<size_t>((at[0] * ours[1] + at[1]) * ours[2] + at[2]);
        ++compared;
        nodule += mask.voxels[i] != 0;
        wrong += our_image.voxels[j] != image.voxels[i] || our_agree.voxels[j] != agree.voxels[i] ||
                 (our_agree.voxels[j] != 0) != (mask.voxels[i] != 0);
      }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(compared, 11 * 64 * 53);
  EXPECT_EQ(nodule, 6547);  // all of nodules.csv's vox_union
  EXPECT_EQ(std::count_if(our_agree.voxels.begin(), our_agree.voxels.end(),
                          [](float value) { return value != 0; }),
            6547);  // and no voxel elsewhere
}

TEST(LidcPrepare, RulesChangeWhatIsKept) {
  if (!fs::exists(kScans)) GTEST_SKIP() << "no shared/data";
  Folder folder;
  const auto foreground = [&](const std::string& name, const Rules& rules) {
    const auto done = prepare_lidc(kScans, kScans, folder.path / name, rules);
    const Csv index = Csv::read(folder.path / name / "index.csv");
    const Volume mask = read_image(folder.path / name / text(index, index.rows.at(0), "mask"));
    return std::count_if(mask.voxels.begin(), mask.voxels.end(), [](float v) { return v != 0; });
  };
  Rules rules;
  rules.mask = "union";
  EXPECT_EQ(foreground("union", rules), 6547);
  rules.mask = "consensus";
  EXPECT_EQ(foreground("consensus", rules), 5428);  // nodules.csv's vox_half
  rules.cluster.rule = "pylidc";
  EXPECT_EQ(foreground("pylidc", rules), 5428);
  rules.cluster.rule = "iou";
  EXPECT_EQ(foreground("iou", rules), 5428);
  rules.include_contour = true;
  EXPECT_GT(foreground("contour", rules), 5428);
  rules = {};
  rules.max_slice_gap = 2;  // the scan's slices are 2.5 mm apart
  const Error error = error_of([&] { foreground("thick", rules); });
  EXPECT_EQ(error.fault, Fault::data);
  EXPECT_FALSE(fs::exists(folder.path / "thick"));
  rules = {};
  rules.mask = "consens";
  EXPECT_EQ(error_of([&] { foreground("unknown", rules); }).fault, Fault::request);
}

TEST(LidcPrepare, ConsensusAndRatingsOfAllNodules) {
  if (!fs::exists(kNodules)) GTEST_SKIP() << "no shared/data";
  const Csv nodules = Csv::read(kNodules / "nodules.csv"),
            readers = Csv::read(kNodules / "reader_ratings.csv");
  const auto rows = rows_of_nodules(readers);
  ASSERT_EQ(nodules.rows.size(), 731U);
  for (const auto& row : nodules.rows) {
    const std::string file = text(nodules, row, "file");
    SCOPED_TRACE(file);
    const auto& readings = rows.at(file);
    const auto n = static_cast<int64_t>(readings.size());
    EXPECT_EQ(n, cell(nodules, row, "n_annotations"));
    const Volume agree = read_image(kNodules / "agree" / file);
    const std::vector<uint8_t> counts(agree.voxels.begin(), agree.voxels.end());
    const auto half = consensus(counts, n, 0.5);
    EXPECT_EQ(std::count(half.begin(), half.end(), 1), cell(nodules, row, "vox_half"));
    for (size_t i = 0; i < kTheirs.size(); ++i) {
      std::vector<double> values;
      for (const auto& reading : readings) values.push_back(cell(readers, reading, kTheirs[i]));
      const Rating rating = summarise(values);
      std::string value = kTheirs[i] + "_value";
      value[0] = static_cast<char>(value[0] - 'a' + 'A');
      EXPECT_EQ(rating.mode, cell(nodules, row, value));
      EXPECT_NEAR(rating.mean, cell(nodules, row, kTheirs[i] + "_mean"), 1e-12);
      EXPECT_EQ(rating.median, cell(nodules, row, kTheirs[i] + "_median"));
    }
  }
}

// A scan without pixels: the slices of one crop, numbered as in the crop.
Scan slices_of(const Geometry& crop) {
  Scan scan;
  scan.volume.geometry = crop;
  scan.volume.geometry.size = {crop.size[0], 512, 512};
  for (int64_t d = 0; d < crop.size[0]; ++d)
    scan.slices.push_back({"", to_world(crop, {static_cast<double>(d), 0, 0})[2]});
  return scan;
}

// The reference keeps the outlines of holes as nodule and takes only their insides away; here both
// go. So holes are drawn as nodules of their own, and their insides taken from the rest.
Mask as_reference(const Reading& reading, const SliceFinder& finder,
                  const std::array<int64_t, 3>& size) {
  std::vector<Outline> outer, holes;
  std::vector<int64_t> outer_slices, hole_slices;
  for (auto outline : reading.outlines) {
    (outline.inclusion ? outer_slices : hole_slices).push_back(finder.find(outline));
    const bool inclusion = std::exchange(outline.inclusion, true);
    (inclusion ? outer : holes).push_back(std::move(outline));
  }
  Mask mask = reader_mask(outer, outer_slices, size, false);
  for (size_t i = 0; i < holes.size(); ++i) {
    const Mask hole = reader_mask({holes[i]}, {hole_slices[i]}, size, false);
    const uint8_t* voxel = hole.voxels.data();
    for (int64_t h = 0; h < hole.size[1]; ++h)
      for (int64_t w = 0; w < hole.size[2]; ++w)
        if (*voxel++ != 0) {
          const std::array<int64_t, 3> at = {hole.from[0] - mask.from[0],
                                             hole.from[1] + h - mask.from[1],
                                             hole.from[2] + w - mask.from[2]};
          bool in = true;
          for (size_t k = 0; k < 3; ++k) in = in && at[k] >= 0 && at[k] < mask.size[k];
          if (in)
            mask.voxels[static_cast<size_t>((at[0] * mask.size[1] + at[1]) * mask.size[2] +
                                            at[2])] = 0;
        }
  }
  return mask;
}

TEST(LidcPrepare, AgreementVolumesOfAllNodulesFromTheReadings) {
  const fs::path archive = kShared / "lidc_xml" / "lidc_xml.tar.xz";
  if (!fs::exists(archive)) GTEST_SKIP() << "no shared/data";
  Folder folder;
  const std::string command =
      "tar xJf '" + archive.string() + "' -C '" + folder.path.string() + "'";
  if (std::system(command.c_str()) != 0) GTEST_SKIP() << "no tar with xz";
  const Csv nodules = Csv::read(kNodules / "nodules.csv"),
            table = Csv::read(kNodules / "reader_ratings.csv");
  const auto rows = rows_of_nodules(table);
  int64_t equal = 0, without_holes = 0;
  Strings differ;
  for (const auto& row : nodules.rows) {
    const std::string file = text(nodules, row, "file");
    const Volume agree = read_image(kNodules / "agree" / file);
    const auto& g = agree.geometry;
    const Scan scan = slices_of(g);
    const SliceFinder finder(scan);
    std::vector<Mask> masks;
    for (const auto& reader : rows.at(file))
      for (const auto& reading : read_readings(folder.path / text(table, reader, "xml")).readings) {
        if (reading.id != text(table, reader, "xml_noduleID") ||
            static_cast<double>(reading.session) != cell(table, reader, "session"))
          continue;
        masks.push_back(as_reference(reading, finder, scan.volume.geometry.size));
        std::vector<int64_t> slices;
        bool hole = false;
        for (const auto& outline : reading.outlines) {
          slices.push_back(finder.find(outline));
          hole = hole || !outline.inclusion;
        }
        const Mask ours = reader_mask(reading.outlines, slices, scan.volume.geometry.size, false);
        EXPECT_TRUE(hole ? ours.count() <= masks.back().count()
                         : ours.voxels == masks.back().voxels)
            << file << " " << reading.id;
        without_holes += hole ? 0 : 1;
        EXPECT_EQ(masks.back().count(), cell(table, reader, "vox")) << file << " " << reading.id;
      }
    const Mask counts = agreement(masks);
    int64_t wrong = 0, inside_crop = 0;
    const auto x0 = static_cast<int64_t>(cell(nodules, row, "px_x0")),
               y0 = static_cast<int64_t>(cell(nodules, row, "px_y0"));
    size_t i = 0;
    for (int64_t d = 0; d < g.size[0]; ++d)
      for (int64_t h = 0; h < g.size[1]; ++h)
        for (int64_t w = 0; w < g.size[2]; ++w, ++i) {
          const std::array<int64_t, 3> at = {d - counts.from[0], y0 + h - counts.from[1],
                                             x0 + w - counts.from[2]};
          bool in = true;
          for (size_t k = 0; k < 3; ++k) in = in && at[k] >= 0 && at[k] < counts.size[k];
          const int value = in ? counts.voxels[static_cast<size_t>(
                                     (at[0] * counts.size[1] + at[1]) * counts.size[2] + at[2])]
                               : 0;
          inside_crop += value != 0;
          wrong += value != static_cast<int>(agree.voxels[i]);
        }
    if (wrong == 0 && inside_crop == counts.count())
      ++equal;
    else
      differ.push_back(file + ": " + std::to_string(wrong));
  }
  EXPECT_EQ(equal, 731) << join(differ, "\n");
  EXPECT_GT(without_holes, 2500);
}

}  // namespace
}  // namespace hilum::data::lidc
