// SPDX-License-Identifier: Apache-2.0
// The nodules of one scan: readings joined, counted and cut out.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/data/lidc/cluster.hpp"
#include "core/data/prepare/writer.hpp"

namespace hilum::data::lidc {

struct Rules {
  prepare::CropRules crop;
  ClusterRules cluster;
  int64_t min_readers = 3;     // sessions that marked the nodule
  double max_slice_gap = 2.5;  // mm between slices; 0: no limit
  bool include_contour = false;
  std::string mask = "agree";  // counts of readings; or "union", "consensus": 0/1
  double consensus = 0.5;      // share of the readings, for "consensus"
  Strings statistics;          // further columns of ratings: rating_statistics()
};
/// Throws Error (Fault::request) for a name that is not known.
void check(const Rules& rules);
std::map<std::string, std::string> to_rules(const Rules& rules);

/// A nodule of 3 mm or more, as some of a scan's readings have it.
struct Nodule {
  std::vector<Reading> readings;  // in the order of sessions
  std::vector<Mask> masks;        // one a reading; empty where nothing lies inside its outlines
  Mask counts;                    // how many readings hold each voxel
  int64_t readers = 0;            // sessions; fewer than readings where one drew several pieces
};
/// Rated readings of one scan, clustered; by the z, y and x of their centroids in the patient (mm,
/// from the feet up). What cannot be placed goes to the report under `name`.
std::vector<Nodule> find_nodules(const Scan& scan, const std::vector<Reading>& readings,
                                 const Rules& rules, prepare::Report& report);
/// The mask's voxels in the box of `nodule.counts`: counts of readings, or 0 and 1.
std::vector<uint8_t> mask_values(const Nodule& nodule, const Rules& rules);
/// Sets the columns of the ratings, and the readers whom a mask of counts has.
void describe(prepare::Row& row, const Nodule& nodule, const Rules& rules);
/// Image (HU) and mask of the nodule's crop with its ratings; id, patient and nodule are left to
/// the caller. Slices beyond the scan's ends are not made up; beyond its sides `crop.fill` stands.
prepare::Row to_row(const Scan& scan, const Nodule& nodule, const Rules& rules);

/// The readings of one scan from all its files. A reading that stands in two files (same session,
/// id, ratings and points) counts once, as in the file more of whose outlines name a slice of the
/// scan (of equal ones: lie on one by their z). Sessions of further files are numbered on.
std::vector<Reading> merge(const Scan& scan, std::vector<ReadingFile> files);

}  // namespace hilum::data::lidc
