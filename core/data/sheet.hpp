// SPDX-License-Identifier: Apache-2.0
// Contact sheets: many regions in one picture, to be looked at. No LibTorch.
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/data/region.hpp"

namespace hilum::data {

using Rgb = std::array<uint8_t, 3>;

/// A picture in colour, [height,width] pixels, row by row.
struct Picture {
  Picture(int64_t height, int64_t width, Rgb background = {});
  Rgb& at(int64_t y, int64_t x) { return pixels[static_cast<size_t>(y * width + x)]; }
  const Rgb& at(int64_t y, int64_t x) const { return pixels[static_cast<size_t>(y * width + x)]; }

  int64_t height, width;
  std::vector<Rgb> pixels;
};
/// Written beside and renamed. Throws Error naming the file.
void write_png(const std::filesystem::path& file, const Picture& picture);

struct SheetRules {
  std::array<double, 2> window{-1000, 400};  // HU that are black and white
  bool all_slices = false;                   // else the one with the largest mask area
  int64_t scale = 0;    // pixels a voxel; 0: as many as make the largest region 128 wide
  int64_t columns = 0;  // tiles in a row; 0: about as wide as high
  Strings channels = {"ct"};
};
/// A region and what is drawn beside its mask.
struct SheetRegion {
  const Region* region = nullptr;
  std::vector<float> readers = {};  // how many readers marked a voxel, or empty
  std::map<std::string, std::vector<float>> channels = {};  // made from the image, in [0,1]
};

/// Colours: the mask's contour, and those of the voxels that at least 2, 3, 4 and 5 readers marked.
constexpr Rgb kMaskColour{0, 230, 64};
constexpr std::array<Rgb, 4> kLevelColours{
    {{255, 225, 0}, {255, 140, 0}, {255, 40, 40}, {255, 0, 220}}};

struct Sheet {
  struct Tile {
    int64_t row, column;  // from 0
    int64_t y, x;         // the image's first pixel in the picture
    std::string id, channel;
    int64_t slice;
  };
  Picture picture;
  int64_t scale;  // pixels a voxel
  std::vector<Tile> tiles;
};

/// The slice with the largest mask area; the middle one where the mask is empty.
int64_t largest_slice(const Region& region);

/// One tile a region, slice and channel: the slice in grey, scaled by whole pixels, the contour of
/// the mask along the edges of its voxels, and below it id, size (D x H x W voxels) and slice.
/// Channel "ct" is shown in the window, one of SheetRegion::channels from 0 to 1, and a further
/// image of the region between its own least and greatest value. Throws Error (Fault::request): an
/// unknown channel, a picture that is too large.
Sheet draw_sheet(std::span<const SheetRegion> regions, const SheetRules& rules);

}  // namespace hilum::data
