// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "core/data/image.hpp"

namespace hilum::data {

/// A DICOM series as its headers tell, no pixels read.
struct Series {
  std::string uid, patient, modality;
  std::vector<std::filesystem::path> files;  // any order
};
/// Every series below `folder`, sorted by patient and UID. Files that are not DICOM are left out;
/// each is named in `notes` if it looked like one and is broken.
std::vector<Series> find_series(const std::filesystem::path& folder, Strings& notes);

struct ScanSlice {
  std::string sop_uid;
  double z = 0;  // ImagePositionPatient's z, mm
};
/// A CT scan in HU: slices ordered by position along the normal (not by name), the first is [0].
struct Scan {
  std::string series, patient;
  Volume volume;                  // [D,H,W]
  std::vector<ScanSlice> slices;  // one a D
  Strings notes;  // missing slices, positions that stand twice, padding values replaced
};
/// Rescaled to HU; padding values, and what is below `fill`, become `fill`. Voxels are never made
/// up: where slices are missing, `slices` has the true positions. Throws Error (Fault::data): no
/// CT, slices of different sizes, a truncated file.
Scan read_scan(const Series& series, double fill = -1024);

}  // namespace hilum::data
