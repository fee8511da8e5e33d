// SPDX-License-Identifier: Apache-2.0
// Regions of interest: what a ROI set's rows, or phantoms, become in memory. No LibTorch.
#pragma once
#include <array>
#include <map>
#include <string>
#include <vector>

#include "core/config/options.hpp"

namespace hilum::data {

/// A volume in HU, C order [D,H,W] (z, y, x as on disk reversed), with what it takes to write it
/// back.
struct Geometry {
  std::array<int64_t, 3> size{};                               // D, H, W voxels
  std::array<double, 3> spacing{};                             // mm: D, H, W
  std::array<double, 3> origin{};                              // mm, ITK's x, y, z
  std::array<double, 9> direction{1, 0, 0, 0, 1, 0, 0, 0, 1};  // ITK's, row-major
};
struct Region {
  std::string id, patient, series, nodule;
  std::string file;  // its image, or "phantom"; for messages
  Geometry geometry;
  std::vector<float> image;                               // HU
  std::map<std::string, std::vector<float>> more_images;  // image_<name> columns, same grid
  std::vector<uint8_t> mask;                              // 0 or 1, after consensus
  std::map<std::string, double> targets;                  // columns by name; NaN: unknown
  std::string pixel_hash;  // SHA-256 of the raw pixels (size + values); "" for a constant region
};

/// A set in memory and what identifies it.
struct RegionSet {
  std::vector<Region> regions;
  std::string name, fingerprint;  // fingerprint: SHA-256 over ids, rules and pixels
  Strings target_names;
  std::map<std::string, std::string> folds;  // id -> fold or "test"
  Strings notes;                             // what was dropped or is odd, for people
};
/// A source that is not there is a wrong request: an Error (request) before anything is recorded.
void require_source(const config::DataOptions& options);
/// Reads a ROI set's folder, or makes phantoms. Throws Error (Fault::data) with the row, file and
/// cause.
RegionSet read_regions(const config::DataOptions& options);
/// `needed`: names of numeric targets the heads want; each must be a column (or derived). Throws
/// Error (data) with the nearest.
void require_targets(const RegionSet& set, const Strings& needed);

struct Split {
  std::vector<size_t> train, val, test;  // indices of regions
  std::string text;                      // "557 regions of 305 patients to train, ..."
};
/// By folds file or, without one, by a hash of the patient into 5. Throws Error (request) for an
/// unknown fold.
Split make_split(const RegionSet& set, const config::DataOptions& options, int64_t seed);
/// A patient, nodule or identical pixels on two sides is an Error (data) naming both ids, unless
/// options.split is "lesion"; returns the warnings to print and to mark the run with.
Strings check_leakage(const RegionSet& set, const Split& split, const config::DataOptions& options);

/// The folds a set can be tested on, "test" aside, in order: "0", "1", ...
Strings fold_names(const RegionSet& set);

}  // namespace hilum::data
