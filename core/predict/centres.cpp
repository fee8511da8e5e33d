// SPDX-License-Identifier: Apache-2.0
#include "core/predict/centres.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "core/data/csv.hpp"

namespace hilum::predict {
namespace {

using data::Csv;

double number(const Csv& csv, const Csv::Row& row, size_t column) {
  const auto value = data::to_number(row.cells[column]);
  if (!value || !std::isfinite(*value))
    throw Error(csv.where(row) + "column '" + csv.columns[column] + "': value '" +
                    row.cells[column] + "', allowed a finite number (mm).",
                Fault::data);
  return *value;
}

// What both tables have beside positions.
class Table {
 public:
  Table(const std::filesystem::path& file, bool ras)
      : csv(Csv::read(file)),
        ras_(ras),
        id_(csv.find("id")),
        image_(csv.find("image")),
        diameter_(csv.find("diameter_mm")) {
    if (!image_) image_ = csv.find("seriesuid");
    if (csv.rows.empty()) throw Error(file.string() + ": has no rows.", Fault::data);
  }

  Place place(const Csv::Row& row) const {
    Place place;
    place.where = csv.where(row);
    if (id_) place.id = row.cells[*id_];
    if (image_) place.image = row.cells[*image_];
    if (image_ && place.image.empty())
      throw Error(place.where + "column '" + csv.columns[*image_] + "' is empty.", Fault::data);
    if (diameter_ && !row.cells[*diameter_].empty()) {
      place.diameter = number(csv, row, *diameter_);
      if (!(*place.diameter > 0))
        throw Error(place.where + "column 'diameter_mm': value '" + row.cells[*diameter_] +
                        "', allowed above 0 mm, or an empty cell.",
                    Fault::data);
    }
    return place;
  }

  World point(const Csv::Row& row, const std::array<size_t, 3>& columns) const {
    World p{};
    for (size_t i = 0; i < 3; ++i) p[i] = number(csv, row, columns[i]);
    if (ras_) p[0] = -p[0], p[1] = -p[1];
    return p;
  }

  std::array<size_t, 3> need(const std::array<const char*, 3>& names) const {
    return {csv.need(names[0]), csv.need(names[1]), csv.need(names[2])};
  }

  Csv csv;

 private:
  bool ras_;
  std::optional<size_t> id_, image_, diameter_;
};

std::string text(const World& p) {
  char out[96];
  std::snprintf(out, sizeof out, "(%g, %g, %g) mm", p[0], p[1], p[2]);
  return out;
}

}  // namespace

std::vector<Place> read_centres(const std::filesystem::path& file, bool ras) {
  const Table table(file, ras);
  // LUNA16's names where any of them is there, so that a wrong one is told from no such column.
  bool luna = false;
  for (const auto* name : {"coordX", "coordY", "coordZ"}) luna |= table.csv.find(name).has_value();
  const auto columns =
      luna ? table.need({"coordX", "coordY", "coordZ"}) : table.need({"x", "y", "z"});
  std::vector<Place> places;
  for (const auto& row : table.csv.rows) {
    places.push_back(table.place(row));
    places.back().centre = table.point(row, columns);
  }
  return places;
}

std::vector<Place> read_boxes(const std::filesystem::path& file, bool ras) {
  const Table table(file, ras);
  const auto low = table.need({"x0", "y0", "z0"}), high = table.need({"x1", "y1", "z1"});
  std::vector<Place> places;
  for (const auto& row : table.csv.rows) {
    places.push_back(table.place(row));
    Place& place = places.back();
    const World a = table.point(row, low), b = table.point(row, high);
    place.extent.emplace();
    for (size_t i = 0; i < 3; ++i) {
      place.centre[i] = 0.5 * (a[i] + b[i]);
      (*place.extent)[i] = std::abs(b[i] - a[i]);
      if (!((*place.extent)[i] > 0))
        throw Error(place.where + "the box from " + text(a) + " to " + text(b) + " is empty.",
                    Fault::data);
    }
  }
  return places;
}

std::vector<Place> places_of(const std::vector<Place>& all, const Strings& names, bool only_image,
                             const std::filesystem::path& file) {
  std::vector<Place> chosen;
  Strings known;
  for (const auto& place : all) {
    if (place.image.empty() && !only_image)
      throw Error(file.string() +
                      ": several images need a column 'image' or 'seriesuid' that says "
                      "which one a row belongs to.",
                  Fault::data);
    if (place.image.empty() || std::ranges::find(names, place.image) != names.end())
      chosen.push_back(place);
    else if (std::ranges::find(known, place.image) == known.end())
      known.push_back(place.image);
  }
  if (chosen.empty())
    throw Error(file.string() + ": no row belongs to the image '" + names.front() + "'." +
                    suggestion(names.front(), known),
                Fault::data);
  std::set<std::string> ids;
  for (size_t i = 0; i < chosen.size(); ++i) {
    auto& place = chosen[i];
    if (place.id.empty()) place.id = std::to_string(i + 1);
    if (!ids.insert(place.id).second)
      throw Error(place.where + "id '" + place.id + "' stands there twice for this image.",
                  Fault::data);
  }
  return chosen;
}

void require_inside(const std::vector<Place>& places, const data::Geometry& geometry,
                    const std::string& image) {
  constexpr size_t kNamed = 10;
  std::string wrong;
  size_t count = 0;
  for (const auto& place : places) {
    const Voxel index = data::to_voxel(geometry, place.centre);
    bool inside = true;
    for (size_t a = 0; a < 3; ++a)
      inside &= index[a] >= -0.5 && index[a] <= static_cast<double>(geometry.size[a]) - 0.5;
    if (!inside && ++count <= kNamed)
      wrong += place.where + "nodule '" + place.id + "' at " + text(place.centre) +
               " lies outside the image.\n";
  }
  if (count == 0) return;
  if (count > kNamed) wrong += "... and " + std::to_string(count - kNamed) + " more.\n";
  throw Error(wrong + "'" + image + "' reaches from " + bounds(geometry) +
                  " (LPS, as ITK and LUNA16 count). Are the positions of another image, or RAS "
                  "(--ras)? Nothing was written.",
              Fault::data);
}

}  // namespace hilum::predict
