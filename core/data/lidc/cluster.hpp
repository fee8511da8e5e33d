// SPDX-License-Identifier: Apache-2.0
// Which readings mean the same nodule. The archive does not say: it is a rule of the analysis.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "core/data/lidc/outline.hpp"

namespace hilum::data::lidc {

/// - "distance": joined where two outlines come within `tolerance` mm of each other (their pixels'
///   centres); nodules are the connected components.
/// - "pylidc": as pylidc's cluster_annotations(): distances in voxel indices, compared with a
///   tolerance that it documents as mm; while a nodule has more than four readings, all is done
///   again with 0.9 times the tolerance, down to 0.1. Its default, the slice thickness, is the
///   slice spacing here.
/// - "iou": in the order of the readings, each joins the first nodule one of whose masks it
///   overlaps with an IoU above `iou`, else it starts a new one.
struct ClusterRules {
  std::string rule = "distance";
  double tolerance = 0;  // 0: the scan's slice spacing, mm
  double iou = 0.4;
};
/// The rules by name.
Strings cluster_rules();

/// One reading as it lies in the scan.
struct Placed {
  std::vector<std::array<int64_t, 3>> points;  // of its outlines: d, h, w voxels
  Mask mask;
};
struct Clusters {
  std::vector<std::vector<size_t>> nodules;  // readings, ascending; by their first
  double tolerance = 0;                      // that was used; mm, for "pylidc" its number
  bool crowded = false;  // "pylidc": some have more than four readings even at 0.1
};
/// `spacing`: mm D, H, W. Throws Error (Fault::request) for an unknown rule.
Clusters cluster(const std::vector<Placed>& readings, const std::array<double, 3>& spacing,
                 const ClusterRules& rules);

/// Voxels in both by voxels in either; 0 where both are empty.
double overlap(const Mask& a, const Mask& b);

}  // namespace hilum::data::lidc
