// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>

namespace hilum::data {

/// Throws Error (Fault::data) where a MetaImage does not hold `bytes` of voxels: the library that
/// reads it prints a line and leaves the missing ones as they are.
void refuse_cut_meta_image(const std::filesystem::path& file, uintmax_t bytes);

}  // namespace hilum::data
