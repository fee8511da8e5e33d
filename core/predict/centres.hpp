// SPDX-License-Identifier: Apache-2.0
// Where to look: a reader's or a detector's table of positions. No LibTorch.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/predict/place.hpp"

namespace hilum::predict {

/// One row: a nodule's position in world mm, LPS (ITK's and LUNA16's x, y, z).
struct Place {
  std::string id;                  // column `id`, else its number in the image: "1"
  std::string image;               // column `image` or `seriesuid`; "" where there is none
  World centre{};                  // mm
  std::optional<double> diameter;  // mm, column `diameter_mm`
  std::optional<World> extent;     // mm along x, y, z: of a box
  std::string where;               // "centres.csv:3: "
};

/// Columns x,y,z or LUNA16's coordX,coordY,coordZ; optional id, diameter_mm, image or seriesuid.
/// With `ras`, x and y run the other way (NIfTI's, 3D Slicer's RAS). Throws Error (Fault::data)
/// with the row: a missing column, a cell that is no finite number, a diameter not above 0.
std::vector<Place> read_centres(const std::filesystem::path& file, bool ras);
/// Columns x0,y0,z0,x1,y1,z1: opposite corners, mm, in either order.
std::vector<Place> read_boxes(const std::filesystem::path& file, bool ras);

/// The rows of one image, which may be called any of `names`: all of them where the table names no
/// images. Rows without an id are numbered from 1. Throws Error (data): a table that names no
/// image for several images, no row for this one, an id twice.
std::vector<Place> places_of(const std::vector<Place>& all, const Strings& names, bool only_image,
                             const std::filesystem::path& file);

/// Throws Error (data) with all centres that lie outside the image, in mm, and its bounds.
void require_inside(const std::vector<Place>& places, const data::Geometry& geometry,
                    const std::string& image);

}  // namespace hilum::predict
