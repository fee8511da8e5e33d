// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/data/prepare/luna16_tables.hpp"

namespace hilum::data::prepare::luna16 {

/// A mask of 0 and 1, cut to a box of its scan.
struct LocalMask {
  Box box;
  Volume mask;
};
Box shifted(Box box, const std::array<int64_t, 3>& by);
/// The box that holds all voxels within `radius` mm of a centre.
Box box_of_ball(const Geometry& scan, const Voxel& centre, double radius);
/// Whether they share a voxel.
bool meet(const Box& a, const Box& b);
/// `values` in the box as a volume at its place in the patient.
LocalMask local_mask(const Geometry& scan, const Box& box, std::vector<float> values);
/// From a centre to the nearest voxel that is not 0, mm squared; infinite where all are 0.
double distance2(const Geometry& scan, const LocalMask& mask, const Voxel& centre);
/// How far from the annotated centre its nodule may lie: half the diameter, at least 2 mm.
double reach_of(const Mark& mark);
/// Voxels whose centres lie within the annotated diameter; at least the one at the centre.
LocalMask sphere(const Geometry& scan, const Mark& mark);
/// The 26-connected component of the scan's mask at the annotated centre: the nearest within
/// reach_of(). Throws Error (Fault::data) with why there is none, such as a mask
/// of the lung.
LocalMask component(const Volume& masks, const Mark& mark);

}  // namespace hilum::data::prepare::luna16
