// SPDX-License-Identifier: Apache-2.0
// From outlines to masks. An outline runs on the first pixels outside the nodule (or, with
// inclusion FALSE, around what is not nodule), so its own pixels are not nodule unless asked for.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/data/dicom.hpp"
#include "core/data/lidc/xml.hpp"

namespace hilum::data::lidc {

using Pixel = std::array<int64_t, 2>;  // x (column), y (row), 0-based

/// Voxels of a scan within a box, C order [D,H,W]: 0/1, or the count of readings.
struct Mask {
  std::array<int64_t, 3> from{}, size{};  // of the box in the scan, D, H, W
  std::vector<uint8_t> voxels;
  int64_t count() const;  // of voxels that are not 0
};

/// Whether the pixel's centre lies in the polygon. The last point is joined to the first, so open
/// outlines count as closed. On an edge the answer is matplotlib.path.Path's, with rows as its x:
/// pylidc's. Exact: all arithmetic is on integers.
bool inside(const std::vector<Pixel>& polygon, const Pixel& pixel);

/// No outline has more than one point: how a nodule below 3 mm is marked.
bool is_small_mark(const std::vector<Outline>& outlines);

/// Where outlines lie in a scan: on the slice of their SOP UID, else on the nearest in z, at most
/// half a slice spacing away.
class SliceFinder {
 public:
  explicit SliceFinder(const Scan& scan);
  /// The slice, or -1 where the scan has none.
  int64_t find(const Outline& outline) const;
  bool by_uid(const Outline& outline) const { return uids_.contains(outline.sop_uid); }

 private:
  std::unordered_map<std::string, int64_t> uids_;
  std::vector<double> z_;
  double reach_ = 0;  // mm
};

/// One reader's mask: the union of what is within each inclusion less its own pixels, then less
/// what is within exclusions and less their pixels. With `include_contour` the pixels of all
/// outlines are nodule, those of holes too. Single points and outlines whose slice is -1 are left
/// out; what lies outside the scan (`scan`: D, H, W) is cut off.
/// `slices`: one an outline. The box is empty where no voxel is left.
Mask reader_mask(const std::vector<Outline>& outlines, const std::vector<int64_t>& slices,
                 const std::array<int64_t, 3>& scan, bool include_contour);

/// How many of the masks hold each voxel, in the box around all of them.
Mask agreement(const std::vector<Mask>& masks);
/// 1 where the count is not 0 and at least level x readings; a level of 0 is the union.
std::vector<uint8_t> consensus(const std::vector<uint8_t>& counts, int64_t readings, double level);

}  // namespace hilum::data::lidc
