// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "core/data/prepare/writer.hpp"
#include "core/data/resample.hpp"
#include "core/data/world.hpp"

namespace hilum::data::prepare {
namespace {

using Size = std::array<int64_t, 3>;

// mm along D, H, W that the rules ask for.
std::array<double, 3> spacing_of(const Geometry& geometry, const CropRules& rules) {
  auto spacing = geometry.spacing;
  const size_t first = 3 - std::min<size_t>(rules.spacing.size(), 3);  // [H,W] leaves D alone
  for (size_t i = first; i < 3; ++i) spacing[i] = rules.spacing[i - first];
  for (const double mm : spacing)
    if (!(mm > 0) || !std::isfinite(mm))
      throw Error("spacing: value '" + std::to_string(mm) + "', allowed mm above 0.",
                  Fault::request);
  return spacing;
}

// Where `size` voxels about `centre` begin. A tie goes towards the patient's left, back and head
// whatever the header's direction, so that a flipped scan gives the same physical box.
int64_t start(const Geometry& geometry, size_t axis, double centre, int64_t size) {
  const double exact = centre - 0.5 * static_cast<double>(size - 1);
  double along = 0;  // the axis's largest component in the patient
  for (size_t row = 0; row < 3; ++row) {
    const double part = geometry.direction[row * 3 + 2 - axis];
    if (std::abs(part) > std::abs(along)) along = part;
  }
  return static_cast<int64_t>(along < 0 ? std::ceil(exact - 0.5) : std::floor(exact + 0.5));
}

// Voxels of the scan that cover `count` voxels of the wanted spacing.
int64_t cover(int64_t count, double wanted, double native) {
  return std::max<int64_t>(
      1, static_cast<int64_t>(std::ceil(static_cast<double>(count) * wanted / native - 1e-6)));
}

}  // namespace

Box crop_box(const Volume& mask, const CropRules& rules) {
  const auto& g = mask.geometry;
  Size low = g.size, high{-1, -1, -1};
  std::array<double, 3> sum{};
  int64_t count = 0;
  const float* voxel = mask.voxels.data();
  for (int64_t z = 0; z < g.size[0]; ++z)
    for (int64_t y = 0; y < g.size[1]; ++y)
      for (int64_t x = 0; x < g.size[2]; ++x) {
        if (*voxel++ == 0) continue;
        const Size at{z, y, x};
        ++count;
        for (size_t i = 0; i < 3; ++i) {
          low[i] = std::min(low[i], at[i]), high[i] = std::max(high[i], at[i]);
          sum[i] += static_cast<double>(at[i]);
        }
      }
  if (count == 0) throw Error("the mask is empty: there is nothing to crop around.", Fault::data);
  const auto spacing = spacing_of(g, rules);
  Box box;
  box.from[0] = low[0] - rules.empty_slices;
  box.size[0] = high[0] - low[0] + 1 + 2 * rules.empty_slices;
  for (size_t i = 1; i < 3; ++i) {
    if (rules.size[i - 1] == 0) {
      box.from[i] = low[i] - rules.margin;
      box.size[i] = high[i] - low[i] + 1 + 2 * rules.margin;
    } else {
      box.size[i] = cover(rules.size[i - 1], spacing[i], g.spacing[i]);
      box.from[i] = start(g, i, sum[i] / static_cast<double>(count), box.size[i]);
    }
  }
  return box;
}

Box crop_box(const Geometry& scan, const std::array<double, 3>& centre, int64_t slices,
             const CropRules& rules) {
  const auto spacing = spacing_of(scan, rules);
  Box box;
  box.size[0] = slices + 2 * rules.empty_slices;
  for (size_t i = 1; i < 3; ++i)
    box.size[i] = rules.size[i - 1] == 0 ? 2 * rules.margin + 1
                                         : cover(rules.size[i - 1], spacing[i], scan.spacing[i]);
  for (size_t i = 0; i < 3; ++i) box.from[i] = start(scan, i, centre[i], box.size[i]);
  return box;
}

Volume crop(const Volume& volume, const Box& box, double fill) {
  const auto& g = volume.geometry;
  Volume out{g, {}};
  out.geometry.size = box.size;
  check_geometry(out.geometry, "a crop");
  out.geometry.origin =
      to_world(g, {static_cast<double>(box.from[0]), static_cast<double>(box.from[1]),
                   static_cast<double>(box.from[2])});
  out.voxels.assign(static_cast<size_t>(voxels(out.geometry)), static_cast<float>(fill));
  const auto [depth, height, width] = box.size;
  const int64_t first = std::clamp<int64_t>(-box.from[2], 0, width);
  const int64_t last = std::clamp<int64_t>(g.size[2] - box.from[2], first, width);
  for (int64_t z = 0; z < depth; ++z)
    for (int64_t y = 0; y < height; ++y) {
      const int64_t d = box.from[0] + z, h = box.from[1] + y;
      if (d < 0 || d >= g.size[0] || h < 0 || h >= g.size[1] || first == last) continue;
      const auto from =
          volume.voxels.begin() + (d * g.size[1] + h) * g.size[2] + box.from[2] + first;
      std::copy(from, from + last - first, out.voxels.begin() + (z * height + y) * width + first);
    }
  return out;
}

void bring_to_spacing(Row& row, const CropRules& rules) {
  if (rules.spacing.empty()) return;
  const auto resampled = [&](const Volume& from) {
    const Geometry& g = from.geometry;
    const Grid native = native_grid(g);
    Grid grid = native;
    grid.spacing = spacing_of(g, rules);
    for (size_t i = 0; i < 3; ++i)
      grid.size[i] = std::max<int64_t>(
          1, std::llround(static_cast<double>(g.size[i]) * g.spacing[i] / grid.spacing[i]));
    for (size_t i = 1; i < 3; ++i)
      if (rules.size[i - 1] > 0) grid.size[i] = rules.size[i - 1];
    Volume out{g, resample(from.voxels, native, grid)};
    Voxel first{};  // of the new grid in the old one's voxels: both share their centre
    for (size_t i = 0; i < 3; ++i)
      first[i] = 0.5 * (static_cast<double>(g.size[i] - 1) -
                        static_cast<double>(grid.size[i] - 1) * grid.spacing[i] / g.spacing[i]);
    out.geometry.size = grid.size, out.geometry.spacing = grid.spacing;
    out.geometry.origin = to_world(g, first);
    return out;
  };
  row.image = resampled(row.image);
  row.mask = resampled(row.mask);
  for (float& value : row.mask.voxels) value = std::floor(value + 0.5F);
  for (auto& [name, volume] : row.more) volume = resampled(volume);
}

std::map<std::string, std::string> to_rules(const CropRules& rules) {
  std::string spacing;
  char text[32];
  const auto number = [&](double value) {
    std::snprintf(text, sizeof text, "%g", value);
    return std::string(text);
  };
  for (const double mm : rules.spacing) spacing += (spacing.empty() ? "" : " ") + number(mm);
  return {{"size", std::to_string(rules.size[0]) + " " + std::to_string(rules.size[1])},
          {"margin", std::to_string(rules.margin)},
          {"empty_slices", std::to_string(rules.empty_slices)},
          {"fill", number(rules.fill)},
          {"spacing", spacing.empty() ? "native" : spacing}};
}

}  // namespace hilum::data::prepare
