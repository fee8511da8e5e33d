// SPDX-License-Identifier: Apache-2.0
// Pairs of images and masks with a table, as a hospital's own data come.
#pragma once
#include <optional>

#include "core/data/prepare/parts.hpp"

namespace hilum::data::prepare {

struct RoisSource {
  std::filesystem::path table;   // columns image, mask; optional id, patient, series, nodule,
                                 // readers; any other column is a target
  std::filesystem::path root;    // of the paths in it; empty: the table's folder
  std::optional<int64_t> label;  // the mask's value that counts; none: all but 0
  PairRules rules;
};
/// Writes the ROI set. Throws Error (Fault::data) with file and line for what is wrong in the table
/// (ten rows at most) or in an image; nothing is left then.
Prepared prepare_rois(const RoisSource& source, const std::filesystem::path& out);

}  // namespace hilum::data::prepare
