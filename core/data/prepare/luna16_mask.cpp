// SPDX-License-Identifier: Apache-2.0
#include "core/data/prepare/luna16_mask.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/data/prepare/parts.hpp"

namespace hilum::data::prepare::luna16 {
namespace {

// mm between a voxel of the box and a centre, squared; the axes are orthogonal.
double distance2(const Geometry& scan, const Box& box, const std::array<int64_t, 3>& at,
                 const Voxel& centre) {
  double sum = 0;
  for (size_t i = 0; i < 3; ++i) {
    const double mm = (static_cast<double>(box.from[i] + at[i]) - centre[i]) * scan.spacing[i];
    sum += mm * mm;
  }
  return sum;
}

template <class Visit>
void each_voxel(const Box& box, Visit visit) {
  size_t index = 0;
  for (int64_t z = 0; z < box.size[0]; ++z)
    for (int64_t y = 0; y < box.size[1]; ++y)
      for (int64_t x = 0; x < box.size[2]; ++x) visit(index++, std::array<int64_t, 3>{z, y, x});
}

}  // namespace

Box shifted(Box box, const std::array<int64_t, 3>& by) {
  for (size_t i = 0; i < 3; ++i) box.from[i] += by[i];
  return box;
}

bool meet(const Box& a, const Box& b) {
  for (size_t i = 0; i < 3; ++i)
    if (a.from[i] >= b.from[i] + b.size[i] || b.from[i] >= a.from[i] + a.size[i]) return false;
  return true;
}

LocalMask local_mask(const Geometry& scan, const Box& box, std::vector<float> values) {
  LocalMask local{box, {scan, std::move(values)}};
  const auto& from = box.from;
  local.mask.geometry.size = box.size;
  local.mask.geometry.origin = to_world(
      scan,
      {static_cast<double>(from[0]), static_cast<double>(from[1]), static_cast<double>(from[2])});
  return local;
}

double distance2(const Geometry& scan, const LocalMask& mask, const Voxel& centre) {
  double least = INFINITY;
  each_voxel(mask.box, [&](size_t i, const auto& at) {
    if (mask.mask.voxels[i] != 0) least = std::min(least, distance2(scan, mask.box, at, centre));
  });
  return least;
}

double reach_of(const Mark& mark) { return std::max(mark.diameter / 2, 2.0); }

Box box_of_ball(const Geometry& scan, const Voxel& centre, double radius) {
  Box box;
  for (size_t i = 0; i < 3; ++i) {
    const double reach = radius / scan.spacing[i];
    box.from[i] = static_cast<int64_t>(std::floor(centre[i] - reach));
    box.size[i] = static_cast<int64_t>(std::ceil(centre[i] + reach)) - box.from[i] + 1;
  }
  return box;
}

LocalMask sphere(const Geometry& scan, const Mark& mark) {
  const Voxel centre = to_voxel(scan, mark.centre);
  LocalMask local = local_mask(scan, box_of_ball(scan, centre, mark.diameter / 2), {});
  local.mask.voxels.resize(static_cast<size_t>(voxels(local.mask.geometry)));
  each_voxel(local.box, [&](size_t i, const auto& at) {
    local.mask.voxels[i] =
        distance2(scan, local.box, at, centre) <= mark.diameter * mark.diameter / 4;
  });
  auto nearest = nearest_voxel(scan, mark.centre);
  for (size_t i = 0; i < 3; ++i) nearest[i] -= local.box.from[i];
  const auto& size = local.box.size;
  local.mask
      .voxels[static_cast<size_t>((nearest[0] * size[1] + nearest[1]) * size[2] + nearest[2])] = 1;
  return local;
}

LocalMask component(const Volume& masks, const Mark& mark) {
  const Geometry& g = masks.geometry;
  const Voxel centre = to_voxel(g, mark.centre);
  const Box around = box_of_ball(g, centre, 2 * mark.diameter + 10);
  const double reach = reach_of(mark);  // mm
  double nearest = reach * reach;
  std::optional<LocalMask> found;
  for (auto& part : parts_of(crop(masks, around, 0), true)) {
    LocalMask piece{shifted(part.box, around.from), std::move(part.mask)};
    const double least = distance2(g, piece, centre);
    if (least > nearest) continue;
    nearest = least;
    found = std::move(piece);
  }
  if (!found) throw Error("no mask at the annotated place", Fault::data);
  for (size_t i = 0; i < 3; ++i)
    if (found->box.from[i] == around.from[i] ||
        found->box.from[i] + found->box.size[i] == around.from[i] + around.size[i])
      throw Error("the mask there is far larger than the nodule: a mask of the lung?", Fault::data);
  for (float& value : found->mask.voxels) value = value != 0;
  return std::move(*found);
}

}  // namespace hilum::data::prepare::luna16
