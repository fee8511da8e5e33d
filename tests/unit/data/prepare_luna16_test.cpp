// SPDX-License-Identifier: Apache-2.0
// LUNA16: on a small scan made here, and on a slab of a real one.
#include <fmt/format.h>

#include <cmath>
#include <set>

#include "core/data/csv.hpp"
#include "core/data/prepare/luna16.hpp"
#include "prepare_fixture.hpp"

namespace hilum::data::prepare {
namespace {
using testing::HasSubstr;
using testing::IsEmpty;

/// Lung at -850 HU with a ball of 30 HU and 10 mm at an odd place.
class Luna16 : public testing::Test {
 protected:
  static constexpr World kCentre{31.3, 2.9, 71.1};
  Volume scan() const {
    Volume scan{grid(20, 48, 48, {2, 1, 1}), std::vector<float>(20 * 48 * 48, -850)};
    scan.geometry.origin = {10, -20, 50};
    each(scan, [&](float& value, double mm) {
      if (mm <= 5) value = 30;
    });
    return scan;
  }
  template <class Visit>
  static void each(Volume& volume, Visit visit) {
    size_t i = 0;
    const auto& size = volume.geometry.size;
    for (int64_t z = 0; z < size[0]; ++z)
      for (int64_t y = 0; y < size[1]; ++y)
        for (int64_t x = 0; x < size[2]; ++x, ++i) {
          const World at =
              to_world(volume.geometry,
                       {static_cast<double>(z), static_cast<double>(y), static_cast<double>(x)});
          visit(volume.voxels[i],
                std::hypot(at[0] - kCentre[0], at[1] - kCentre[1], at[2] - kCentre[2]));
        }
  }
  void write_scan(const std::string& name, const Volume& volume) const {
    fs::create_directories(folder.path / "scans" / "subset0");
    write_image(folder.path / "scans" / "subset0" / (name + ".mhd"), volume.geometry,
                volume.voxels);
  }
  Luna16Source source(
      const std::string& rows,
      const std::string& heading = "seriesuid,coordX,coordY,coordZ,diameter_mm") const {
    Luna16Source s;
    s.scans = folder.path / "scans";
    s.annotations = folder.write("annotations.csv", heading + "\n" + rows);
    s.sphere = true;
    s.crop.size = {16, 16};
    return s;
  }
  static std::string nodule(const std::string& series, const World& at = kCentre, double mm = 10) {
    return fmt::format("{},{},{},{},{}\n", series, at[0], at[1], at[2], mm);
  }
  Folder folder;
};

TEST_F(Luna16, TheSphereIsTheNoduleInEitherDirection) {
  write_scan("1.2.3", scan());
  write_scan("1.2.4", flipped(scan()));
  const auto made = prepare_luna16(source(nodule("1.2.3") + nodule("1.2.4") + nodule("1.2.9")),
                                   folder.path / "set");
  EXPECT_EQ(made.report.kept.at("nodules"), 2);
  ASSERT_EQ(made.report.dropped.size(), 1U);
  EXPECT_EQ(made.report.dropped[0].second, "no scan of its series");
  const auto set = read_roi_set(folder.path / "set", {});
  EXPECT_THAT(set.notes, IsEmpty());
  ASSERT_EQ(set.regions.size(), 2U);
  for (const auto& r : set.regions) {
    EXPECT_EQ(r.patient, r.series);
    EXPECT_EQ(r.targets.at("diameter_mm"), 10);
    EXPECT_EQ(r.geometry.size, (std::array<int64_t, 3>{7, 16, 16}))
        << "five slices and two empty ones";
    for (size_t i = 0; i < r.image.size(); ++i)
      ASSERT_EQ(r.mask[i], r.image[i] == 30) << r.id << " " << i;
  }
  const Volume back = flipped({set.regions[1].geometry, set.regions[1].image});
  EXPECT_EQ(back.voxels, set.regions[0].image) << "the same place of the patient";
  EXPECT_EQ(difference(back.geometry, set.regions[0].geometry), "");
}

TEST_F(Luna16, MasksAreThoseAtTheAnnotatedPlace) {
  write_scan("1.2.3", scan());
  Volume mask = scan();
  each(mask, [](float& value, double mm) { value = mm <= 4 ? 7 : 0; });
  mask.voxels[0] = 1;  // another component, far away
  write_image(folder.path / "masks" / "1.2.3.nii.gz", mask.geometry, mask.voxels);
  auto s = source(nodule("1.2.3") + nodule("1.2.3", {14, -16, 84}));
  s.sphere = false, s.masks = folder.path / "masks";
  const auto made = prepare_luna16(s, folder.path / "set");
  ASSERT_EQ(made.report.dropped.size(), 1U);
  EXPECT_EQ(made.report.dropped[0].first, "1.2.3_2");
  EXPECT_EQ(made.report.dropped[0].second, "no mask at the annotated place");
  const auto set = read_roi_set(folder.path / "set", {});
  const auto expected = std::count(mask.voxels.begin(), mask.voxels.end(), 7);
  EXPECT_EQ(std::count(set.regions[0].mask.begin(), set.regions[0].mask.end(), 1), expected);

  each(mask, [](float& value, double) { value = 1; });  // all of it, as a mask of the lung would
  write_image(folder.path / "masks" / "1.2.3.nii.gz", mask.geometry, mask.voxels);
  s = source(nodule("1.2.3", kCentre, 3));
  s.sphere = false, s.masks = folder.path / "masks";
  EXPECT_THAT(error_of([&] { prepare_luna16(s, folder.path / "lung"); }).what(),
              HasSubstr("mask of the lung?"));
}

TEST_F(Luna16, NegativesHaveNoAnnotatedNodule) {
  write_scan("1.2.3", scan());
  auto s = source(nodule("1.2.3"));
  s.negatives = 3, s.negative_slices = 2;
  const auto slices = prepare_luna16(s, folder.path / "slices");
  EXPECT_EQ(slices.report.kept.at("regions without nodule"), 3);
  const auto set = read_roi_set(folder.path / "slices", {});
  ASSERT_EQ(set.regions.size(), 4U);
  for (size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(std::count(set.regions[i].mask.begin(), set.regions[i].mask.end(), 1), 0);
    EXPECT_EQ(std::count(set.regions[i].image.begin(), set.regions[i].image.end(), 30), 0)
        << set.regions[i].id;
    EXPECT_TRUE(std::isnan(set.regions[i].targets.at("diameter_mm")));
  }
  s.candidates = folder.write("candidates.csv",
                              "seriesuid,coordX,coordY,coordZ,class\n1.2.3,31,3,71,1\n"
                              "1.2.3,30,4,58,0\n1.2.3,33,5,74,0\n1.2.3,20,-10,84,0\n9,1,1,1,0\n");
  const auto made = prepare_luna16(s, folder.path / "candidates");
  EXPECT_EQ(made.report.kept.at("regions without nodule"), 2);
  ASSERT_EQ(made.report.dropped.size(), 1U);
  EXPECT_EQ(made.report.dropped[0].first, "1.2.3_n4") << "named by the line of its table";
  EXPECT_EQ(prepare_luna16(s, folder.path / "again").fingerprint, made.fingerprint);
}

TEST_F(Luna16, TablesAndScansThatAreWrong) {
  write_scan("1.2.3", scan());
  const auto fails = [&](const Luna16Source& s, const std::string& says,
                         Fault fault = Fault::data) {
    const auto error = error_of([&] { prepare_luna16(s, folder.path / "set"); });
    EXPECT_EQ(error.fault, fault) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(says));
    EXPECT_FALSE(fs::exists(folder.path / "set"));
  };
  fails(source("1.2.3,1,2,3\n", "seriesuid,coordX,coordY,coordZ"), "no column 'diameter_mm'");
  fails(source("1.2.3,1,nan,3,4\n"),
        "annotations.csv:2: column 'coordY': value 'nan': is not finite");
  fails(source("1.2.3,1,2,3,-1\n"), "annotations_excluded.csv");
  fails(source(nodule("9")), "no region is left");
  fails(source(nodule("1.2.3", {1e9, 0, 0})), "outside of the scan");
  auto s = source(nodule("1.2.3"));
  s.sphere = false;
  fails(s, "--mask sphere", Fault::request);
  s = source(nodule("1.2.3"));
  s.candidates = folder.write("c.csv", "seriesuid,coordX,coordY,coordZ,class\n1.2.3,1,1,1,2\n");
  s.negatives = 1;
  fails(s, "allowed 0 and 1");
  write_image(folder.path / "scans" / "1.2.3.mhd", scan().geometry, scan().voxels);
  fails(source(nodule("1.2.3")), "is the series of");
}

TEST(Luna16Real, TheAnnotatedPlaceIsTheNodule) {
  HILUM_NEED_DATA("luna_mini");
  HILUM_NEED_DATA("lidc_nodules");
  const Folder folder;
  Luna16Source source;
  source.scans = kShared / "luna_mini",
  source.annotations = kShared / "luna_mini" / "annotations.csv";
  source.sphere = true;
  prepare_luna16(source, folder.path / "set");
  const auto set = read_roi_set(folder.path / "set", {});
  EXPECT_THAT(set.notes, IsEmpty());
  ASSERT_EQ(set.regions.size(), 1U);
  const Region& r = set.regions[0];
  const World centre{56.20840547, 86.34341278, -115.8675792};
  const auto at = nearest_voxel(r.geometry, centre);
  for (const int64_t axis : {1, 2})
    EXPECT_NEAR(static_cast<double>(at[static_cast<size_t>(axis)]), 63.5, 0.6) << "the middle";
  for (int64_t y = at[1] - 2; y <= at[1] + 2; ++y)
    for (int64_t x = at[2] - 2; x <= at[2] + 2; ++x)
      EXPECT_GT(r.image[static_cast<size_t>((at[0] * 128 + y) * 128 + x)], -500);
  // The readers' outlines of the same nodule, by world coordinates.
  const Volume mask =
      read_image(kShared / "lidc_nodules" / "mask_union" / "LIDC-IDRI-0001_R_1.nii.gz");
  const Volume image = read_image(kShared / "lidc_nodules" / "image" / "LIDC-IDRI-0001_R_1.nii.gz");
  const auto there = nearest_voxel(mask.geometry, centre);
  const auto index = [](const Geometry& g, const std::array<int64_t, 3>& v) {
    return static_cast<size_t>((v[0] * g.size[1] + v[1]) * g.size[2] + v[2]);
  };
  ASSERT_TRUE(inside(mask.geometry, there));
  EXPECT_EQ(mask.voxels[index(mask.geometry, there)], 1);
  // Voxel for voxel the same HU, through both headers.
  int64_t compared = 0;
  size_t i = 0, both = 0, sphere = 0, outline = 0;
  for (int64_t z = 0; z < image.geometry.size[0]; ++z)
    for (int64_t y = 0; y < image.geometry.size[1]; ++y)
      for (int64_t x = 0; x < image.geometry.size[2]; ++x, ++i) {
        const auto v = nearest_voxel(
            r.geometry, to_world(image.geometry, {static_cast<double>(z), static_cast<double>(y),
                                                  static_cast<double>(x)}));
        if (!inside(r.geometry, v)) continue;
        ASSERT_EQ(r.image[index(r.geometry, v)], image.voxels[i]) << z << " " << y << " " << x;
        ++compared;
        both += r.mask[index(r.geometry, v)] && mask.voxels[i] != 0;
        sphere += r.mask[index(r.geometry, v)], outline += mask.voxels[i] != 0;
      }
  EXPECT_GT(compared, 10000);
  EXPECT_GT(2.0 * static_cast<double>(both) / static_cast<double>(sphere + outline), 0.5)
      << "a sphere overlaps the outline";
}

}  // namespace
}  // namespace hilum::data::prepare
