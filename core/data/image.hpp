// SPDX-License-Identifier: Apache-2.0
// Scalar 3D images in files: NIfTI, NRRD and MetaImage. No LibTorch.
#pragma once
#include <filesystem>
#include <span>
#include <vector>

#include "core/data/region.hpp"

namespace hilum::data {

/// Voxels in file order are C order [D,H,W]; nothing is flipped, whatever the direction says.
struct Volume {
  Geometry geometry;
  std::vector<float> voxels;
};

/// Reads a 3D image, or a 2D one as depth 1. Rescale slope and intercept are applied. Throws Error
/// (Fault::data) naming the file: unreadable, truncated, 4D, colour, or a voxel that is not finite.
Volume read_image(const std::filesystem::path& file);

/// Writes .nii, .nii.gz, .nrrd, .mha (beside and renamed), .nhdr or .mhd. Throws Error naming the
/// file.
void write_image(const std::filesystem::path& file, const Geometry& geometry,
                 std::span<const uint8_t> voxels);
void write_image(const std::filesystem::path& file, const Geometry& geometry,
                 std::span<const int16_t> voxels);
void write_image(const std::filesystem::path& file, const Geometry& geometry,
                 std::span<const float> voxels);

/// "" where both lie on the same grid, else what differs: "size 11x64x53, not 11x64x54 (D x H x
/// W)".
std::string difference(const Geometry& is, const Geometry& expected);
int64_t voxels(const Geometry& geometry);
/// Throws Error (Fault::data) for a size, spacing or origin that no region has.
void check_geometry(const Geometry& geometry, const std::filesystem::path& file);

}  // namespace hilum::data
