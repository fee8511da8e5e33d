// SPDX-License-Identifier: Apache-2.0
// Voxels as a ROI set's files hold them.
#pragma once
#include <cstdint>
#include <vector>

#include "core/data/prepare/writer.hpp"

namespace hilum::data::prepare {

/// The image rounded to whole HU; `clipped` counts voxels beyond int16. Throws Error (Fault::data)
/// for fractions within a narrow range: an image that was scaled already.
std::vector<int16_t> to_hu(const Row& row, int64_t& clipped);
/// Throws Error (Fault::data) for what is no whole number from 0 to 255.
std::vector<uint8_t> to_mask(const Row& row);

}  // namespace hilum::data::prepare
