// SPDX-License-Identifier: Apache-2.0
// A slice of a region as a grey picture, and masks on it as SVG paths.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace hilum::report::html {

/// [height,width] values, row by row.
template <class T>
struct Slice {
  std::span<const T> values;
  int64_t height = 0, width = 0;
};

/// The bytes of a PNG with 8 bits of grey a pixel; window: the values that are black and white.
std::string grey_png(const Slice<float>& slice, std::array<double, 2> window);
/// Path data along the edges between voxels that are 0 and those that are not, in voxels; the
/// border of the slice is background. "" where there are none.
std::string outline(const Slice<uint8_t>& mask);

}  // namespace hilum::report::html
