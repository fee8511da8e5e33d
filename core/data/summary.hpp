// SPDX-License-Identifier: Apache-2.0
// What is in a set, for people who check it. No LibTorch.
#pragma once
#include <array>
#include <map>
#include <string>
#include <vector>

#include "core/data/region.hpp"

namespace hilum::data {

struct Range {
  double low = 0, median = 0, high = 0;
};
/// Something that is odd but can be meant.
struct Warning {
  std::string check;  // "spacing", "constant", ...: for programs
  std::string what;   // "a voxel spacing outside [0.1, 10] mm"
  int64_t count = 0;  // regions
  Strings ids;        // the first few
};
struct Summary {
  int64_t regions = 0, patients = 0, empty_masks = 0, flipped = 0;  // flipped: x or y against LPS
  std::array<Range, 3> size, spacing;                               // D, H, W; voxels and mm
  Range volume;  // of nodules, mm3; empty masks aside
  struct Target {
    std::string name;
    int64_t known = 0;
    Range range;
  };
  std::vector<Target> targets;
  struct Fold {
    int64_t regions = 0, patients = 0;
  };
  std::map<std::string, Fold> folds;
  Strings duplicates;  // "'a' and 'b' have the same pixels"
  Strings leaks;       // between folds
  std::vector<Warning> warnings;
};
/// What is odd about geometry, masks, HU and ratings, in a fixed order.
std::vector<Warning> find_warnings(const RegionSet& set);
Summary summarise(const RegionSet& set);

}  // namespace hilum::data
