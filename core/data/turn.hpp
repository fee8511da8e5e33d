// SPDX-License-Identifier: Apache-2.0
// The order in which a volume's axes are read. No LibTorch.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/data/region.hpp"

namespace hilum::data {

/// How an image's axes are brought to LPS order (D to the head, H to the back, W to the left): axis
/// a is the stored axis from[a], run backwards where flip[a].
struct Turn {
  std::array<size_t, 3> from{0, 1, 2};
  std::array<bool, 3> flip{};
  bool operator==(const Turn&) const = default;
};
/// The turn after which the direction is as near to the identity as whole turns bring it. An
/// oblique image stays oblique.
Turn to_lps(const data::Geometry& geometry);
/// The same places in mm under the turned axes.
data::Geometry turned(const data::Geometry& geometry, const Turn& turn);

/// Voxels [D,H,W] of `size` (the stored one) under the turned axes, and back.
template <class T>
std::vector<T> turned(std::span<const T> voxels, const std::array<int64_t, 3>& size,
                      const Turn& turn, bool back = false);

/// `first`, then `second`.
Turn after(const Turn& first, const Turn& second);
Turn inverse(const Turn& turn);

/// The slices of a region by data.view: axial [H,W] along D, coronal [D,W] along H, sagittal [D,H]
/// along W of the region as stored; what they lie along becomes D. Throws Error (request) for
/// another name.
Turn view_turn(const std::string& view);
/// The region in that view: image, mask and geometry, so that it stays where it is in the patient.
void show_from(Region& region, const Turn& turn);

}  // namespace hilum::data
