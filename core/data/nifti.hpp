// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>

#include "core/data/image.hpp"

namespace hilum::data {

/// Reads a .nii or .nii.gz file, version 1 or 2. ITK 5.2 is not used for it, because it refuses
/// valid orientations (a turn by 180 degrees given as an sform), and because the library below it
/// fills what a cut file lacks with 0 and turns NaN into 0 without a word.
Volume read_nifti(const std::filesystem::path& file);

}  // namespace hilum::data
