// SPDX-License-Identifier: Apache-2.0
// From an image and its mask to rows: one region a mask, or one a connected component.
#pragma once
#include <vector>

#include "core/data/prepare/writer.hpp"

namespace hilum::data::prepare {

/// A piece of a mask, cut to the box around its voxels.
struct Part {
  Box box;           // in the voxels of the mask that it is of
  Volume mask;       // its values; 0 where another part or nothing is
  int64_t size = 0;  // voxels
};
/// All voxels but 0 as one part (none where the mask is empty), or one part a 26-connected
/// component in the order of its first voxel.
std::vector<Part> parts_of(const Volume& mask, bool components);

struct PairRules {
  CropRules crop;
  bool whole = false;       // the whole image as one region
  bool components = false;  // one region a component, the others being background
  int64_t least = 1;        // voxels of a part; smaller ones are dropped
};
std::map<std::string, std::string> to_rules(const PairRules& rules);
/// Adds the regions of one image. `row` has everything but crops: its image, mask and `more` are
/// those of the whole scan. Several components get ids and nodules "_1", "_2", ... What is dropped
/// or cut off goes to the report. Returns the ids that were added.
Strings add_pair(Writer& writer, Row row, const PairRules& rules, Report& report);

}  // namespace hilum::data::prepare
