// SPDX-License-Identifier: Apache-2.0
// A dataset folder of nnU-Net, version 1 or 2: dataset.json, imagesTr, labelsTr.
#pragma once
#include "core/data/prepare/parts.hpp"

namespace hilum::data::prepare {

struct NnunetSource {
  std::filesystem::path folder;
  std::string label;          // a name in dataset.json or a value; empty: all but the background
  std::string patient_regex;  // its first group (or all of it) found in the case's name; empty: the
                              // case
  std::string splits;         // file; empty: splits_final.json in the folder if it is there; "none"
  PairRules rules;
};
/// Writes the ROI set; the validation cases of fold k of the splits become fold k. The first
/// channel is the image, the others image_<channel>. Throws Error (Fault::data) naming the file and
/// what is wrong: cases that are missing, labels or channels that dataset.json does not explain.
Prepared prepare_nnunet(const NnunetSource& source, const std::filesystem::path& out);

}  // namespace hilum::data::prepare
