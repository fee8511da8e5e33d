// SPDX-License-Identifier: Apache-2.0
#include "core/data/lidc/nodules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/data/lidc/ratings.hpp"
#include "core/data/world.hpp"

namespace hilum::data::lidc {
using prepare::Report;
namespace {

const Strings kMasks = {"agree", "union", "consensus"};

// The reading in the scan's voxels; a slice is -1 where the scan has none.
Placed place(const Scan& scan, const Reading& reading, const SliceFinder& finder, bool contour,
             size_t& missing) {
  Placed placed;
  std::vector<int64_t> slices;
  for (const auto& outline : reading.outlines) {
    const int64_t slice = finder.find(outline);
    slices.push_back(slice);
    if (slice < 0)
      ++missing;
    else
      for (const auto& [x, y] : outline.points) placed.points.push_back({slice, y, x});
  }
  placed.mask = reader_mask(reading.outlines, slices, scan.volume.geometry.size, contour);
  return placed;
}

// World x, y, z of the voxels that any reading holds.
World centroid(const Geometry& geometry, const Mask& counts) {
  Voxel sum{};
  const uint8_t* voxel = counts.voxels.data();
  for (int64_t d = 0; d < counts.size[0]; ++d)
    for (int64_t h = 0; h < counts.size[1]; ++h)
      for (int64_t w = 0; w < counts.size[2]; ++w)
        if (*voxel++ != 0)
          sum[0] += static_cast<double>(counts.from[0] + d),
              sum[1] += static_cast<double>(counts.from[1] + h),
              sum[2] += static_cast<double>(counts.from[2] + w);
  for (double& value : sum) value /= static_cast<double>(counts.count());
  return to_world(geometry, sum);
}

Nodule assemble(const std::vector<size_t>& group, const std::vector<const Reading*>& readings,
                std::vector<Placed>& placed) {
  Nodule nodule;
  std::set<size_t> sessions;
  for (const size_t i : group) {
    nodule.readings.push_back(*readings[i]);
    nodule.masks.push_back(std::move(placed[i].mask));
    sessions.insert(readings[i]->session);
  }
  nodule.counts = agreement(nodule.masks);
  nodule.readers = static_cast<int64_t>(sessions.size());
  return nodule;
}

bool same(const Reading& a, const Reading& b) {
  return a.session == b.session && a.id == b.id && a.ratings == b.ratings &&
         std::equal(a.outlines.begin(), a.outlines.end(), b.outlines.begin(), b.outlines.end(),
                    [](const Outline& x, const Outline& y) {
                      return x.inclusion == y.inclusion && x.points == y.points;
                    });
}

// Outlines that name a slice of the scan, and those that lie on one.
std::pair<int64_t, int64_t> known_slices(const SliceFinder& finder, const ReadingFile& file) {
  std::pair<int64_t, int64_t> count;
  for (const auto& reading : file.readings)
    for (const auto& outline : reading.outlines) {
      count.first += finder.by_uid(outline);
      count.second += finder.find(outline) >= 0;
    }
  return count;
}

}  // namespace

void check(const Rules& rules) {
  if (std::find(kMasks.begin(), kMasks.end(), rules.mask) == kMasks.end())
    throw Error("mask: value '" + rules.mask + "' is unknown." + suggestion(rules.mask, kMasks),
                Fault::request);
  cluster({}, {1, 1, 1}, rules.cluster);  // throws where its name is unknown
  rating_columns({}, rules.statistics);
}

std::map<std::string, std::string> to_rules(const Rules& rules) {
  auto all = prepare::to_rules(rules.crop);
  const bool iou = rules.cluster.rule == "iou";
  all["cluster"] = rules.cluster.rule;
  all["tolerance"] = iou                           ? fmt::format("IoU above {}", rules.cluster.iou)
                     : rules.cluster.tolerance > 0 ? fmt::format("{}", rules.cluster.tolerance)
                                                   : "slice spacing";
  all["min_readers"] = std::to_string(rules.min_readers);
  all["max_slice_gap"] = rules.max_slice_gap > 0 ? fmt::format("{}", rules.max_slice_gap) : "none";
  all["contour"] = rules.include_contour ? "nodule" : "outside";
  all["mask"] =
      rules.mask == "consensus" ? fmt::format("consensus {}", rules.consensus) : rules.mask;
  all["ratings"] = join(rules.statistics, " ");
  if (rules.statistics.empty()) all["ratings"] = "mean";
  return all;
}

std::vector<Nodule> find_nodules(const Scan& scan, const std::vector<Reading>& readings,
                                 const Rules& rules, Report& report) {
  const SliceFinder finder(scan);
  std::vector<const Reading*> rated;
  std::vector<Placed> placed;
  for (const auto& reading : readings) {
    if (!reading.rated()) continue;
    size_t missing = 0;
    Placed in_scan = place(scan, reading, finder, rules.include_contour, missing);
    const std::string name =
        fmt::format("{} session {} nodule {}", scan.series, reading.session + 1, reading.id);
    if (in_scan.points.empty()) {
      report.dropped.emplace_back(name, "none of its outlines lies on a slice of the scan");
      continue;
    }
    if (missing > 0)
      report.notes.push_back(fmt::format("{}: {} of {} outlines lie on slices that the scan lacks",
                                         name, missing, reading.outlines.size()));
    rated.push_back(&reading);
    placed.push_back(std::move(in_scan));
  }
  const Clusters found = cluster(placed, scan.volume.geometry.spacing, rules.cluster);
  if (found.crowded)
    report.notes.push_back(scan.series +
                           ": some nodules have more than four readings even at a "
                           "tolerance of 0.1");
  std::vector<std::pair<World, Nodule>> nodules;
  for (const auto& group : found.nodules) {
    Nodule nodule = assemble(group, rated, placed);
    if (nodule.counts.voxels.empty()) {
      report.dropped.emplace_back(fmt::format("{} nodule {}", scan.series, nodule.readings[0].id),
                                  "no voxel lies inside its outlines");
      continue;
    }
    const World centre = centroid(scan.volume.geometry, nodule.counts);
    nodules.emplace_back(World{centre[2], centre[1], centre[0]}, std::move(nodule));
  }
  std::stable_sort(nodules.begin(), nodules.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Nodule> out;
  for (auto& [centre, nodule] : nodules) out.push_back(std::move(nodule));
  return out;
}

std::vector<uint8_t> mask_values(const Nodule& nodule, const Rules& rules) {
  if (rules.mask == "agree") return nodule.counts.voxels;
  return consensus(nodule.counts.voxels, static_cast<int64_t>(nodule.readings.size()),
                   rules.mask == "union" ? 0.0 : rules.consensus);
}

void describe(prepare::Row& row, const Nodule& nodule, const Rules& rules) {
  if (rules.mask == "agree") row.readers = static_cast<int64_t>(nodule.readings.size());
  row.targets = rating_columns(nodule.readings, rules.statistics);
}

prepare::Row to_row(const Scan& scan, const Nodule& nodule, const Rules& rules) {
  const auto& counts = nodule.counts;
  // The box around the nodule is all that the mask needs of the scan's grid.
  Volume local{scan.volume.geometry, {counts.voxels.begin(), counts.voxels.end()}};
  local.geometry.size = counts.size;
  local.geometry.origin = to_world(scan.volume.geometry, {static_cast<double>(counts.from[0]),
                                                          static_cast<double>(counts.from[1]),
                                                          static_cast<double>(counts.from[2])});
  prepare::Box box = crop_box(local, rules.crop);  // of the union, whatever mask is asked for
  const int64_t first = std::max(box.from[0], -counts.from[0]);
  const int64_t last =
      std::min(box.from[0] + box.size[0], scan.volume.geometry.size[0] - counts.from[0]);
  box.from[0] = first, box.size[0] = last - first;
  prepare::Row row;
  describe(row, nodule, rules);
  const auto mask = mask_values(nodule, rules);
  local.voxels.assign(mask.begin(), mask.end());
  row.mask = crop(local, box, 0);
  for (size_t i = 0; i < 3; ++i) box.from[i] += counts.from[i];
  row.image = crop(scan.volume, box, rules.crop.fill);
  row.mask.geometry = row.image.geometry;  // the same but for rounding
  bring_to_spacing(row, rules.crop);
  return row;
}

std::vector<Reading> merge(const Scan& scan, std::vector<ReadingFile> files) {
  const SliceFinder finder(scan);
  std::stable_sort(files.begin(), files.end(), [&](const ReadingFile& a, const ReadingFile& b) {
    return known_slices(finder, a) > known_slices(finder, b);
  });
  std::vector<Reading> all;
  std::vector<Reading> originals;  // with the sessions of their own files
  size_t sessions = 0;
  for (auto& file : files) {
    const size_t known = originals.size();
    for (auto& reading : file.readings) {
      const auto end = originals.begin() + static_cast<ptrdiff_t>(known);
      if (std::any_of(originals.begin(), end, [&](const Reading& r) { return same(r, reading); }))
        continue;
      originals.push_back(reading);
      reading.session += sessions;
      all.push_back(std::move(reading));
    }
    sessions += file.sessions;
  }
  return all;
}

}  // namespace hilum::data::lidc
