// SPDX-License-Identifier: Apache-2.0
// The radiologists' outlines of LIDC-IDRI in a scan of LUNA16, which has no DICOM headers.
#pragma once
#include <string>
#include <vector>

#include "core/data/lidc/nodules.hpp"
#include "core/data/prepare/luna16_mask.hpp"

namespace hilum::data::prepare::luna16 {

/// The readings of one scan in its voxels. An outline's slice is the one whose z is nearest, within
/// half a slice spacing. Its pixels are columns and rows of the DICOM slice, and LUNA16 keeps their
/// order: where the .mhd says that x and y run backwards, they did in DICOM. A .mhd that was turned
/// since is known by the annotated centres: where more of them lie on nodules with columns and rows
/// along the patient's x and y, that is taken, and a note tells.
class ScanReadings {
 public:
  /// `marks`: the scan's annotations. What cannot be placed goes to the report. Of the rules, those
  /// of the crop and `max_slice_gap` are not used. Throws Error (Fault::data) where the scan's axes
  /// W, H and D are not the patient's x, y and z, in either direction.
  ScanReadings(const std::string& series, const Geometry& scan,
               std::vector<lidc::ReadingFile> files, const std::vector<Mark>& marks,
               const lidc::Rules& rules, Report& report);
  /// The mask of the nodule that holds the annotated centre or comes nearest to it, within half the
  /// diameter (at least 2 mm). Sets the row's readers and ratings. Throws Error (Fault::data) with
  /// why there is none.
  LocalMask nodule(const Mark& mark, Row& row) const;
  /// Whether an outline of any reader reaches into the box: nodules below 3 mm count too.
  bool marked(const Box& box) const;
  /// Sets the readers of a mask without nodule: all sessions of the scan.
  void describe_empty(Row& row) const;

 private:
  struct Found {
    lidc::Nodule nodule;
    LocalMask counts;
  };
  const Found* at(const Mark& mark) const;
  int64_t hits(const std::vector<Mark>& marks) const;
  void mirror();
  void note_shared(const std::string& series, const std::vector<Mark>& marks, Report& report) const;

  Geometry scan_;
  lidc::Rules rules_;
  std::vector<Found> found_;
  std::vector<Box> boxes_;  // around the outlines of each reading
  int64_t sessions_ = 1;
};

}  // namespace hilum::data::prepare::luna16
