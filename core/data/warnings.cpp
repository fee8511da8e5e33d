// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <set>

#include "core/data/summary.hpp"

namespace hilum::data {
namespace {

constexpr size_t kShown = 5;  // ids in one warning

/// Counts the regions that `odd` holds for.
template <class Odd>
void warn(std::vector<Warning>& out, const RegionSet& set, const char* check,
          const std::string& what, Odd odd) {
  Warning warning{check, what, 0, {}};
  for (const auto& region : set.regions) {
    if (!odd(region)) continue;
    ++warning.count;
    if (warning.ids.size() < kShown) warning.ids.push_back(region.id);
  }
  if (warning.count > 0) out.push_back(std::move(warning));
}

bool odd_spacing(const Region& region) {
  return std::any_of(region.geometry.spacing.begin(), region.geometry.spacing.end(),
                     [](double mm) { return mm < 0.1 || mm > 10; });
}

// The columns are the axes: they have a length of 1 and are at right angles.
bool skewed(const Region& region) {
  const auto& d = region.geometry.direction;
  for (size_t a = 0; a < 3; ++a)
    for (size_t b = a; b < 3; ++b) {
      const double dot = d[a] * d[b] + d[3 + a] * d[3 + b] + d[6 + a] * d[6 + b];
      if (std::abs(dot - (a == b ? 1 : 0)) > 1e-3) return true;
    }
  return false;
}

bool left_handed(const Region& region) {
  const auto& d = region.geometry.direction;
  return d[0] * (d[4] * d[8] - d[5] * d[7]) - d[1] * (d[3] * d[8] - d[5] * d[6]) +
             d[2] * (d[3] * d[7] - d[4] * d[6]) <
         0;
}

bool empty(const Region& region) {
  return std::find(region.mask.begin(), region.mask.end(), 1) == region.mask.end();
}

/// Does the mask reach the first or last voxel of an axis (0: D, 1: H, 2: W) of several voxels?
bool touches(const Region& region, size_t axis) {
  const auto& size = region.geometry.size;
  if (size[axis] < 2) return false;
  for (size_t i = 0; i < region.mask.size(); ++i) {
    if (region.mask[i] == 0) continue;
    const auto at = static_cast<int64_t>(i);
    const int64_t place[] = {at / (size[1] * size[2]), at / size[2] % size[1], at % size[2]};
    if (place[axis] == 0 || place[axis] == size[axis] - 1) return true;
  }
  return false;
}

void warn_values(std::vector<Warning>& out, const RegionSet& set) {
  const auto range = [](const Region& r) {
    return std::minmax_element(r.image.begin(), r.image.end());
  };
  const auto constant = [&](const Region& r) {
    return r.image.empty() || *range(r).first == *range(r).second;
  };
  warn(out, set, "hu", "a value outside [-2000, 4000] HU", [&](const Region& r) {
    const auto [low, high] = range(r);
    return !r.image.empty() && (*low < -2000 || *high > 4000);
  });
  warn(out, set, "constant", "an image of one value", constant);
  // A region around a lung nodule holds air. Unsigned data lacks its rescale intercept, and data
  // that was scaled to [0, 1] or [0, 255] is no longer HU.
  warn(out, set, "not_hu", "no value below 0, so that the image is hardly in HU",
       [&](const Region& r) { return !constant(r) && *range(r).first >= 0; });
}

/// The scales of the LIDC readings. A column of 0 and 1 alone is a label that someone has made.
void warn_ratings(std::vector<Warning>& out, const RegionSet& set) {
  const std::map<std::string, double> highest = {
      {"subtlety", 5},  {"internal_structure", 4}, {"calcification", 6}, {"sphericity", 5},
      {"margin", 5},    {"lobulation", 5},         {"spiculation", 5},   {"texture", 5},
      {"malignancy", 5}};
  for (const auto& name : set.target_names) {
    const auto scale = highest.find(name);
    if (scale == highest.end()) continue;
    const auto label = [&](const Region& r) {
      const double value = r.targets.at(name);
      return std::isnan(value) || value == 0 || value == 1;
    };
    if (std::all_of(set.regions.begin(), set.regions.end(), label)) continue;
    warn(out, set, "target",
         name + " outside [1, " + std::to_string(std::lround(scale->second)) + "]",
         [&](const Region& r) {
           const double value = r.targets.at(name);
           return value < 1 || value > scale->second;
         });
  }
}

}  // namespace

std::vector<Warning> find_warnings(const RegionSet& set) {
  std::vector<Warning> out;
  warn(out, set, "spacing", "a voxel spacing outside [0.1, 10] mm", odd_spacing);
  warn(out, set, "direction", "axes that are not at right angles", skewed);
  warn(out, set, "handedness", "a left-handed orientation", left_handed);
  warn(out, set, "empty_mask", "an empty mask", empty);
  warn(out, set, "border_plane", "a mask that touches the region's edge within the slices",
       [](const Region& r) { return touches(r, 1) || touches(r, 2); });
  warn(out, set, "border_depth", "a mask in the first or last slice",
       [](const Region& r) { return touches(r, 0); });
  std::set<std::string> seen;
  warn(out, set, "nodule", "the patient, series and nodule of a region before",
       [&](const Region& r) {
         return !r.nodule.empty() &&
                !seen.insert(r.patient + "\n" + r.series + "\n" + r.nodule).second;
       });
  warn_values(out, set);
  warn_ratings(out, set);
  return out;
}

}  // namespace hilum::data
