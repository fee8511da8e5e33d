// SPDX-License-Identifier: Apache-2.0
// ROI sets on disk: a folder with index.csv, images and (optionally) folds.csv. No LibTorch.
#pragma once
#include <filesystem>

#include "core/data/region.hpp"

namespace hilum::data {

/// The folder's regions, without folds. Images are decoded by a few threads. All rows that are
/// wrong are reported together.
RegionSet read_roi_set(const std::filesystem::path& folder, const config::DataOptions& options);

/// The names of columns image_<name> in the folder's index.csv, read from its heading alone; none
/// where there is no such file. Throws Error (Fault::data) for a heading that is wrong.
Strings further_images(const std::filesystem::path& folder);

/// Writes the set as a ROI set: image/<id>.nii.gz (int16), mask/<id>.nii.gz, index.csv, folds.csv.
void write_roi_set(const RegionSet& set, const std::filesystem::path& folder);

/// A mean rating as data.malignancy has it: above 3 is 1, below 3 is 0, and 3 is NaN ("drop3"), 0
/// ("benign3") or 1 ("malignant3"); "raw" leaves it.
double malignancy(double rating, const std::string& rule);

/// Fills pixel_hash of a region in memory and returns a hash of everything in it, for a
/// fingerprint.
std::string hash_region(Region& region);

}  // namespace hilum::data
