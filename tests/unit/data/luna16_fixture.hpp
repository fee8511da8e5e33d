// SPDX-License-Identifier: Apache-2.0
// A scan as LUNA16 has it, with LIDC-IDRI's readings of it.
#pragma once
#include <fmt/format.h>

#include "core/data/prepare/luna16.hpp"
#include "prepare_fixture.hpp"

namespace hilum::data::prepare {

/// First and last column and row that are nodule.
struct Square {
  int64_t left, right, top, bottom;
};

inline std::string outline(double z, const Square& s) {
  std::string text = fmt::format(
      "<roi><imageZposition>{}</imageZposition><imageSOP_UID/>"
      "<inclusion>TRUE</inclusion>",
      z);
  const auto edge = [&](int64_t x, int64_t y) {
    text += fmt::format("<edgeMap><xCoord>{}</xCoord><yCoord>{}</yCoord></edgeMap>", x, y);
  };
  for (int64_t x = s.left - 1; x <= s.right; ++x) edge(x, s.top - 1);
  for (int64_t y = s.top - 1; y <= s.bottom; ++y) edge(s.right + 1, y);
  for (int64_t x = s.right + 1; x >= s.left; --x) edge(x, s.bottom + 1);
  for (int64_t y = s.bottom + 1; y >= s.top - 1; --y) edge(s.left - 1, y);
  return text + "</roi>";
}
inline std::string point(double z, int64_t x, int64_t y) {
  return fmt::format(
      "<unblindedReadNodule><noduleID>small</noduleID><roi><imageZposition>{}</imageZposition>"
      "<imageSOP_UID/><inclusion>TRUE</inclusion><edgeMap><xCoord>{}</xCoord><yCoord>{}</yCoord>"
      "</edgeMap></roi></unblindedReadNodule>",
      z, x, y);
}
inline std::string nodule(const std::string& outlines, int rating) {
  std::string text = "<unblindedReadNodule><noduleID>n</noduleID><characteristics>";
  for (const char* name : {"subtlety", "internalStructure", "calcification", "sphericity", "margin",
                           "lobulation", "spiculation", "texture", "malignancy"})
    text += fmt::format("<{0}>{1}</{0}>", name, rating);
  return text + "</characteristics>" + outlines + "</unblindedReadNodule>";
}

/// A nodule of four readers away from the middle: reader k marks the columns 10 to 14 - k and the
/// rows 28 to 32, the last two to 31, of the slices 8 to 10.
class Luna16Xml : public testing::Test {
 protected:
  static constexpr int64_t kWidth = 48, kHeight = 40;
  static Square square(int reader) { return {10, 14 - reader, 28, reader < 2 ? 32 : 31}; }
  static int expected(const std::array<int64_t, 3>& at) {
    int count = 0;
    for (int reader = 0; reader < 4; ++reader) {
      const Square s = square(reader);
      count += at[0] >= 8 && at[0] <= 10 && at[1] >= s.top && at[1] <= s.bottom &&
               at[2] >= s.left && at[2] <= s.right;
    }
    return count;
  }
  Luna16Xml() {
    scan_ = ramp(grid(20, kHeight, kWidth));
    s_.scans = folder_.path / "scans", s_.xml = folder_.path / "xml";
    fs::create_directories(s_.scans), fs::create_directories(s_.xml);
    s_.crop.size = {16, 16};
  }
  double z(int64_t slice) const { return to_world(scan_.geometry, {double(slice), 0, 0})[2]; }
  void write_scan(const std::string& series, const Volume& volume) const {
    write_image(s_.scans / (series + ".mhd"), volume.geometry, volume.voxels);
  }
  /// Outlines in pixels of the scan as it is here, or with both orders reversed.
  void write_xml(const std::string& series, bool reversed = false,
                 const std::string& first_reader_too = "") const {
    std::string text =
        "<?xml version=\"1.0\"?>\n<LidcReadMessage xmlns=\"http://www.nih.gov\"><ResponseHeader>"
        "<SeriesInstanceUid>" +
        series + "</SeriesInstanceUid></ResponseHeader>\n";
    for (int reader = 0; reader < 4; ++reader) {
      Square s = square(reader);
      if (reversed)
        s = {kWidth - 1 - s.right, kWidth - 1 - s.left, kHeight - 1 - s.bottom,
             kHeight - 1 - s.top};
      std::string outlines;
      for (const int64_t slice : {8, 9, 10})
        outlines += outline(z(slice) + 0.2 * (reader - 1), s);  // within half a slice
      text += "<readingSession>" + nodule(outlines, reader + 1) +
              (reader == 0 ? first_reader_too : "") + "</readingSession>\n";
    }
    folder_.write("xml/" + series + ".xml", text + "</LidcReadMessage>");
  }
  std::string annotation(const std::string& series, const Voxel& at = {9, 30, 12}) const {
    const World world = to_world(scan_.geometry, at);
    return fmt::format("{},{},{},{},8\n", series, world[0], world[1], world[2]);
  }
  void annotate(const std::string& rows) {
    s_.annotations =
        folder_.write("annotations.csv", "seriesuid,coordX,coordY,coordZ,diameter_mm\n" + rows);
  }
  /// The region's voxels are those of the scan here at the same places of the patient.
  void expect_the_nodule(const std::string& id) const {
    const Volume image = read_image(folder_.path / "set" / "image" / (id + ".nii.gz"));
    const Volume mask = read_image(folder_.path / "set" / "mask" / (id + ".nii.gz"));
    const auto& size = image.geometry.size;
    ASSERT_EQ(size, (std::array<int64_t, 3>{5, 16, 16})) << id;
    size_t i = 0, nodule = 0;
    for (int64_t d = 0; d < size[0]; ++d)
      for (int64_t h = 0; h < size[1]; ++h)
        for (int64_t w = 0; w < size[2]; ++w, ++i) {
          const auto at = nearest_voxel(
              scan_.geometry, to_world(image.geometry, {double(d), double(h), double(w)}));
          ASSERT_TRUE(inside(scan_.geometry, at));
          ASSERT_EQ(mask.voxels[i], expected(at))
              << id << " " << at[0] << " " << at[1] << " " << at[2];
          ASSERT_EQ(image.voxels[i],
                    scan_.voxels[static_cast<size_t>((at[0] * kHeight + at[1]) * kWidth + at[2])]);
          nodule += mask.voxels[i] != 0;
        }
    EXPECT_EQ(nodule, 75U) << id;
  }
  Folder folder_;
  Volume scan_;
  Luna16Source s_;
};

/// The same patient stored with z reversed.
inline Volume upside_down(const Volume& volume) {
  Volume out = volume;
  const auto [depth, height, width] = volume.geometry.size;
  out.geometry.origin = to_world(volume.geometry, {static_cast<double>(depth - 1), 0, 0});
  for (size_t row = 0; row < 3; ++row) out.geometry.direction[row * 3 + 2] *= -1;
  const int64_t plane = height * width;
  for (int64_t z = 0; z < depth; ++z)
    std::copy_n(volume.voxels.begin() + z * plane, plane,
                out.voxels.begin() + (depth - 1 - z) * plane);
  return out;
}

}  // namespace hilum::data::prepare
