// SPDX-License-Identifier: Apache-2.0
#include "core/data/prepare/luna16_readings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace hilum::data::prepare::luna16 {
namespace {

constexpr double kAlong = 1e-3;  // of the direction matrix: less is rounding, not a tilt

void need_axial(const Geometry& scan) {
  for (size_t row = 0; row < 3; ++row)
    for (size_t axis = 0; axis < 3; ++axis) {
      const double is = std::abs(scan.direction[row * 3 + axis]);
      if (std::abs(is - (row == axis ? 1 : 0)) > kAlong)
        throw Error(fmt::format("its axes are not the patient's (direction {:g}): outlines are of "
                                "axial slices",
                                fmt::join(scan.direction, " ")),
                    Fault::data);
    }
}

// The scan as the readings' code wants it, with no voxels: outlines need its grid alone.
Scan slices_of(const std::string& series, const Geometry& geometry) {
  Scan scan;
  scan.series = series;
  scan.volume.geometry = geometry;
  for (int64_t d = 0; d < geometry.size[0]; ++d)
    scan.slices.push_back({"", to_world(geometry, {static_cast<double>(d), 0, 0})[2]});
  return scan;
}

std::vector<Box> boxes_of(const Scan& scan, const std::vector<lidc::Reading>& readings) {
  constexpr int64_t kFar = std::numeric_limits<int64_t>::max();
  const lidc::SliceFinder finder(scan);
  std::vector<Box> boxes;
  for (const auto& reading : readings) {
    std::array<int64_t, 3> low{kFar, kFar, kFar}, high{-1, -1, -1};
    for (const auto& outline : reading.outlines) {
      const int64_t slice = finder.find(outline);
      if (slice < 0) continue;
      for (const auto& [x, y] : outline.points) {
        const std::array<int64_t, 3> at{slice, y, x};
        for (size_t i = 0; i < 3; ++i)
          low[i] = std::min(low[i], at[i]), high[i] = std::max(high[i], at[i]);
      }
    }
    if (high[0] < 0) continue;
    Box box{low, {}};
    for (size_t i = 0; i < 3; ++i) box.size[i] = high[i] - low[i] + 1;
    boxes.push_back(box);
  }
  return boxes;
}

bool backwards(const Geometry& scan, size_t axis) {  // W or H, against the patient's x or y
  const size_t patient = 2 - axis;
  return scan.direction[patient * 3 + patient] < 0;
}

int64_t mirrored(int64_t from, int64_t size, int64_t whole) { return whole - from - size; }

void mirror(lidc::Mask& mask, size_t axis, int64_t whole) {
  mask.from[axis] = mirrored(mask.from[axis], mask.size[axis], whole);
  const auto row = static_cast<ptrdiff_t>(mask.size[2]);
  const auto plane = static_cast<ptrdiff_t>(mask.size[1]) * row;
  const auto end = mask.voxels.end();
  if (axis == 2)
    for (auto at = mask.voxels.begin(); at != end; at += row) std::reverse(at, at + row);
  else
    for (auto at = mask.voxels.begin(); at != end; at += plane)
      for (ptrdiff_t low = 0, high = plane - row; low < high; low += row, high -= row)
        std::swap_ranges(at + low, at + low + row, at + high);
}

LocalMask local(const Geometry& scan, const lidc::Mask& counts) {
  return local_mask(scan, {counts.from, counts.size}, {counts.voxels.begin(), counts.voxels.end()});
}

}  // namespace

ScanReadings::ScanReadings(const std::string& series, const Geometry& geometry,
                           std::vector<lidc::ReadingFile> files, const std::vector<Mark>& marks,
                           const lidc::Rules& rules, Report& report)
    : scan_(geometry), rules_(rules) {
  need_axial(geometry);
  for (const auto& file : files)
    sessions_ = std::max(sessions_, static_cast<int64_t>(file.sessions));
  const Scan scan = slices_of(series, geometry);
  const auto readings = lidc::merge(scan, std::move(files));
  boxes_ = boxes_of(scan, readings);
  for (auto& nodule : lidc::find_nodules(scan, readings, rules, report)) {
    LocalMask counts = local(scan_, nodule.counts);
    found_.push_back({std::move(nodule), std::move(counts)});
  }
  const int64_t stored = hits(marks);
  if (stored < static_cast<int64_t>(marks.size()) && (backwards(scan_, 1) || backwards(scan_, 2))) {
    mirror();
    const int64_t turned = hits(marks);
    if (turned <= stored)
      mirror();  // back again
    else
      report.notes.push_back(
          fmt::format("{}: the outlines' rows and columns are taken along the patient's axes, not "
                      "as the scan is stored: {} annotated centres lie on nodules then, else {}",
                      series, turned, stored));
  }
  note_shared(series, marks, report);
}

void ScanReadings::mirror() {
  for (const size_t axis : {1, 2}) {
    if (!backwards(scan_, axis)) continue;
    const int64_t whole = scan_.size[axis];
    for (auto& box : boxes_) box.from[axis] = mirrored(box.from[axis], box.size[axis], whole);
    for (auto& [nodule, counts] : found_) {
      luna16::mirror(nodule.counts, axis, whole);
      for (auto& mask : nodule.masks)
        if (!mask.voxels.empty()) luna16::mirror(mask, axis, whole);
    }
  }
  for (auto& [nodule, counts] : found_) counts = local(scan_, nodule.counts);
}

const ScanReadings::Found* ScanReadings::at(const Mark& mark) const {
  const Voxel centre = to_voxel(scan_, mark.centre);
  const double reach = reach_of(mark);
  const Found* nearest = nullptr;
  double least = reach * reach;
  for (const auto& found : found_) {
    const double distance = distance2(scan_, found.counts, centre);
    if (distance < least || (!nearest && distance == least)) least = distance, nearest = &found;
  }
  return nearest;
}

int64_t ScanReadings::hits(const std::vector<Mark>& marks) const {
  return std::count_if(marks.begin(), marks.end(),
                       [&](const Mark& mark) { return at(mark) != nullptr; });
}

void ScanReadings::note_shared(const std::string& series, const std::vector<Mark>& marks,
                               Report& report) const {
  std::map<const Found*, size_t> first;
  for (size_t i = 0; i < marks.size(); ++i)
    if (const Found* found = at(marks[i])) {
      const auto [other, fresh] = first.emplace(found, i);
      if (!fresh)
        report.notes.push_back(fmt::format("{0}_{1} and {0}_{2} are one nodule of the readings",
                                           series, other->second + 1, i + 1));
    }
}

LocalMask ScanReadings::nodule(const Mark& mark, Row& row) const {
  const Found* found = at(mark);
  if (!found) throw Error("no nodule of the readings at the annotated place", Fault::data);
  if (found->nodule.readers < rules_.min_readers)
    throw Error(fmt::format("marked by fewer than {} readers", rules_.min_readers), Fault::data);
  const auto values = lidc::mask_values(found->nodule, rules_);
  if (std::all_of(values.begin(), values.end(), [](uint8_t value) { return value == 0; }))
    throw Error("no voxel is left in its mask", Fault::data);
  lidc::describe(row, found->nodule, rules_);
  LocalMask mask = found->counts;
  mask.mask.voxels.assign(values.begin(), values.end());
  return mask;
}

bool ScanReadings::marked(const Box& box) const {
  return std::any_of(boxes_.begin(), boxes_.end(),
                     [&](const Box& outlines) { return meet(outlines, box); });
}

void ScanReadings::describe_empty(Row& row) const {
  if (rules_.mask == "agree") row.readers = sessions_;
}

}  // namespace hilum::data::prepare::luna16
