// SPDX-License-Identifier: Apache-2.0
// One slice of a CT scan: where it lies, and its pixels in HU.
#pragma once
#include <span>

#include "core/data/dicom_file.hpp"

namespace hilum::data {

struct CtSlice {
  DicomFile dicom;
  std::string series, sop_uid;
  int64_t instance = 0;                 // InstanceNumber; the largest number where there is none
  int64_t rows = 0, columns = 0;        // pixels
  std::array<double, 2> spacing{};      // mm: H, W
  std::array<double, 3> position{};     // of the first pixel's centre, mm x, y, z
  std::array<double, 6> orientation{};  // unit vectors along a row and along a column
  double slope = 1, intercept = 0;      // HU = slope * stored + intercept
  std::optional<double> thickness;      // mm between slices as the header has it
  bool rescaled = true;                 // the header has slope and intercept

  std::array<double, 3> normal() const;  // row x column: a right-handed frame
};
/// The header alone. Throws Error (Fault::data) naming the file and what it lacks: no CT, colour,
/// several frames, no position, axes that are not at right angles.
CtSlice read_slice_header(const std::filesystem::path& file);

struct Replaced {
  int64_t padding = 0, below = 0;  // voxels: by PixelPaddingValue; below `fill`
};
/// Pixels as HU into `out` [H,W]; padding values and what is below `fill` become `fill`. Throws
/// Error (Fault::data): cut short, or pixels that cannot be decoded.
Replaced read_slice_pixels(const CtSlice& slice, double fill, std::span<float> out);

}  // namespace hilum::data
