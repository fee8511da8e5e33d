// SPDX-License-Identifier: Apache-2.0
// Metrics of two masks. Definitions: docs/metrics.md. No LibTorch.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hilum::metrics {

/// A binary mask, fastest axis last: size [H,W] or [D,H,W] voxels, spacing in mm in the same order.
/// Not 0: foreground.
struct MaskView {
  std::span<const uint8_t> voxels;
  std::vector<int64_t> size;
  std::vector<double> spacing;
};
enum class Empty { none, pred, truth, both };
struct MaskScores {
  double dice = 0, iou = 0, precision = 0, sensitivity = 0;
  double hd = 0, hd95 = 0, assd = 0;  // mm
  Empty empty = Empty::none;
};
/// Throws Error (Fault::data) where sizes or spacings differ. Both empty: overlap 1, distance 0;
/// one empty: overlap 0, distances the diagonal of the region in mm.
MaskScores compare(const MaskView& pred, const MaskView& truth);
std::string to_string(Empty empty);

/// (name, value) pairs in the fixed order dice, iou, precision, sensitivity, hd, hd95, assd.
std::array<std::pair<const char*, double>, 7> named(const MaskScores& scores);

}  // namespace hilum::metrics
