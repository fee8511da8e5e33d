// SPDX-License-Identifier: Apache-2.0
#include "core/data/prepare/pixels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace hilum::data::prepare {
namespace {

// An image that was scaled to [0,1] already would become 0 and 1.
void refuse_fractions(const Row& row) {
  constexpr float kLeastRange = 16;  // HU
  const auto& v = row.image.voxels;
  const auto [low, high] = std::minmax_element(v.begin(), v.end());
  if (v.empty() || *high - *low >= kLeastRange) return;
  if (std::all_of(v.begin(), v.end(), [](float value) { return value == std::floor(value); }))
    return;
  throw Error(fmt::format("'{}': the image has fractions from {} to {}: no HU, and lost in whole "
                          "numbers. Give the image before it was scaled.",
                          row.id, *low, *high),
              Fault::data);
}

}  // namespace

std::vector<int16_t> to_hu(const Row& row, int64_t& clipped) {
  const Volume& image = row.image;
  refuse_fractions(row);
  constexpr float low = std::numeric_limits<int16_t>::min(),
                  high = std::numeric_limits<int16_t>::max();
  std::vector<int16_t> hu(image.voxels.size());
  for (size_t i = 0; i < hu.size(); ++i) {
    const float value = std::round(image.voxels[i]);
    clipped += value < low || value > high;
    hu[i] = static_cast<int16_t>(std::clamp(value, low, high));
  }
  return hu;
}

std::vector<uint8_t> to_mask(const Row& row) {
  std::vector<uint8_t> mask(row.mask.voxels.size());
  for (size_t i = 0; i < mask.size(); ++i) {
    const float value = row.mask.voxels[i];
    if (!(value >= 0 && value <= 255) || value != std::floor(value))
      throw Error(fmt::format("'{}': mask: value '{}', allowed a whole number from 0 to 255.",
                              row.id, value),
                  Fault::data);
    mask[i] = static_cast<uint8_t>(value);
  }
  return mask;
}

}  // namespace hilum::data::prepare
