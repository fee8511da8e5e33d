// SPDX-License-Identifier: Apache-2.0
// A ROI set as it grows: regions cut from scans, written beside and renamed at the end.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/data/image.hpp"

namespace hilum::data::prepare {

/// A box of a scan's voxels, D, H, W; may reach beyond the scan.
struct Box {
  std::array<int64_t, 3> from{}, size{};
};
struct CropRules {
  std::array<int64_t, 2> size{128, 128};  // H, W voxels; 0: as large as the nodule with its margin
  int64_t margin = 8;                     // voxels around the nodule where size is 0
  int64_t empty_slices = 1;               // without nodule, on each side
  double fill = -1000;                    // HU outside the scan
  std::vector<double> spacing;            // mm D,H,W or H,W; empty: native
};
/// In the voxels of the scan: around the centroid of the mask's voxels, all its slices and
/// `empty_slices` more on each side. With `rules.spacing` as many voxels as fill the resampled
/// region. Throws Error (Fault::data) where the mask is empty.
Box crop_box(const Volume& mask, const CropRules& rules);
/// The same around a point (d, h, w; fractions allowed) that has no mask; `slices` and the empty
/// ones. A `rules.size` of 0 becomes twice the margin and 1.
Box crop_box(const Geometry& scan, const std::array<double, 3>& centre, int64_t slices,
             const CropRules& rules);
/// The box of the volume with its own origin in world mm; `fill` outside.
Volume crop(const Volume& volume, const Box& box, double fill);

/// One row of index.csv with its files.
struct Row {
  std::string id, patient, series, nodule;
  std::optional<int64_t> readers;
  Volume image, mask;                     // mask: 0/1, or the count of readers
  std::map<std::string, double> targets;  // NaN: unknown
  std::map<std::string, Volume> more;     // image_<name> columns, same grid; kept as float
};
/// Image and mask of a crop_box() on the grid that the rules ask for, about the same centre; leaves
/// them as they are where `rules.spacing` is empty. Linear; a mask is then rounded, so a mask of 0
/// and 1 is cut at 0.5.
void bring_to_spacing(Row& row, const CropRules& rules);
/// The rules as name -> value, for Writer.
std::map<std::string, std::string> to_rules(const CropRules& rules);

struct Report {  // what was kept and dropped, and why, by reason
  std::map<std::string, int64_t> kept;
  std::vector<std::pair<std::string, std::string>> dropped;  // what, why
  Strings notes;
};

/// What a finished preparation tells.
struct Prepared {
  std::string fingerprint;
  std::map<std::string, std::string> rules;
  Report report;
};

class Writer {
 public:
  /// Writes into a folder beside `out`. Throws Error (request) where `out` holds a ROI set or other
  /// files. `rules`: name -> value, as they are printed, hashed and kept in fingerprint.json; no
  /// paths of this machine, or the same data gets another fingerprint elsewhere.
  Writer(std::filesystem::path out, std::string kind, std::map<std::string, std::string> rules);
  ~Writer();  // removes what was not finished
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Writes the row's images. Threads may add at once. Throws Error (data): an id that names no
  /// file or stands there already, grids that differ, a mask that is not 0 to 255, an image that is
  /// no HU (a narrow range of fractions, which whole numbers would lose).
  void add(const Row& row);
  void folds(std::map<std::string, std::string> fold_of_id);
  /// Writes folds.csv, fingerprint.json (counts, spacing, rules, hashes), index.csv (rows in the
  /// order of ids), then renames. Returns the fingerprint. Throws Error (data) where no region was
  /// added.
  std::string finish(const Report& report);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hilum::data::prepare
