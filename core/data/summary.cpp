// SPDX-License-Identifier: Apache-2.0
#include "core/data/summary.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/data/folds.hpp"

namespace hilum::data {
namespace {

Range range_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return {values.front(), (values[(n - 1) / 2] + values[n / 2]) / 2, values.back()};
}

template <class Get>
std::vector<double> each(const RegionSet& set, Get get) {
  std::vector<double> values;
  for (const auto& region : set.regions) values.push_back(get(region));
  return values;
}

}  // namespace

Summary summarise(const RegionSet& set) {
  Summary s;
  std::set<std::string> patients;
  std::map<std::string, std::set<std::string>> of_fold;
  std::map<std::string, std::string> first_with;
  std::vector<double> volumes;
  Strings side;
  for (const auto& r : set.regions) {
    patients.insert(r.patient);
    const auto& fold = side.emplace_back(set.folds.at(r.id));
    ++s.folds[fold].regions;
    of_fold[fold].insert(r.patient);
    s.flipped += r.geometry.direction[0] < 0 || r.geometry.direction[4] < 0;
    const auto& mm = r.geometry.spacing;
    const auto voxels = std::count(r.mask.begin(), r.mask.end(), 1);
    if (voxels == 0)
      ++s.empty_masks;
    else
      volumes.push_back(static_cast<double>(voxels) * mm[0] * mm[1] * mm[2]);
    if (r.pixel_hash.empty()) continue;
    const auto [at, fresh] = first_with.emplace(r.pixel_hash, r.id);
    if (!fresh)
      s.duplicates.push_back("'" + at->second + "' and '" + r.id + "' have the same pixels");
  }
  s.regions = static_cast<int64_t>(set.regions.size());
  s.patients = static_cast<int64_t>(patients.size());
  for (auto& [fold, count] : s.folds) count.patients = static_cast<int64_t>(of_fold[fold].size());
  for (size_t axis = 0; axis < 3; ++axis) {
    s.size[axis] =
        range_of(each(set, [&](auto& r) { return static_cast<double>(r.geometry.size[axis]); }));
    s.spacing[axis] = range_of(each(set, [&](auto& r) { return r.geometry.spacing[axis]; }));
  }
  s.volume = range_of(volumes);
  for (const auto& name : set.target_names) {
    auto values = each(set, [&](auto& r) { return r.targets.at(name); });
    std::erase_if(values, [](double v) { return std::isnan(v); });
    s.targets.push_back({name, static_cast<int64_t>(values.size()), range_of(values)});
  }
  s.leaks = leaks(set.regions, side);
  s.warnings = find_warnings(set);
  return s;
}

}  // namespace hilum::data
