// SPDX-License-Identifier: Apache-2.0
#include "core/data/subset.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/data/fold_dealer.hpp"
#include "core/util/sha256.hpp"

namespace hilum::data {
namespace {

// Patients, or regions by lesion, with their regions' places in the set.
using Owners = std::vector<Group>;

const std::string& owner(const Region& region, const config::DataOptions& options) {
  return options.split == "lesion" ? region.id : region.patient;
}

std::string count_of(size_t owners, const config::DataOptions& options) {
  return std::to_string(owners) + (options.split == "lesion" ? " regions" : " patients");
}

void need_fold(const RegionSet& set, const std::string& fold) {
  std::set<std::string> known;
  for (const auto& [id, name] : set.folds) known.insert(name);
  if (!known.contains(fold))
    throw Error("data.subset.fold: value '" + fold + "': no region of '" + set.name +
                    "' is in this fold. Folds: " + join(Strings(known.begin(), known.end()), ", ") +
                    ".",
                Fault::request);
}

/// Those whose regions all lie in the fold, in the order of a hash with the seed.
Owners candidates(const RegionSet& set, const config::DataOptions& options) {
  const auto fold = std::to_string(options.subset_fold);
  need_fold(set, fold);
  std::set<std::string> elsewhere;
  for (const auto& region : set.regions)
    if (set.folds.at(region.id) != fold) elsewhere.insert(owner(region, options));
  std::map<std::string, Group> order;
  const auto salt = "subset " + std::to_string(options.subset_seed) + " ";
  for (size_t i = 0; i < set.regions.size(); ++i)
    if (const auto& name = owner(set.regions[i], options); !elsewhere.contains(name))
      order[util::sha256(salt + name)].regions.push_back(i);
  Owners all;
  for (auto& [hash, group] : order) all.push_back(std::move(group));
  return all;
}

size_t regions_of(const Owners& owners) {
  size_t count = 0;
  for (const auto& group : owners) count += group.regions.size();
  return count;
}

/// Moves owners out in their order while there is room; one that is too large is passed over.
Owners draw(Owners& from, size_t room) {
  Owners drawn, rest;
  for (auto& group : from) {
    const bool fits = group.regions.size() <= room;
    if (fits) room -= group.regions.size();
    (fits ? drawn : rest).push_back(std::move(group));
  }
  from = std::move(rest);
  return drawn;
}

/// The test side, drawn in an order of its own: at least one owner, unless the share is 0.
Owners draw_test(Owners& from, const RegionSet& set, const config::DataOptions& options) {
  if (options.subset_test <= 0 || from.empty()) return {};
  const auto salt = "subset test " + std::to_string(options.subset_seed) + " ";
  std::ranges::sort(from, {}, [&](const Group& group) {
    return util::sha256(salt + owner(set.regions[group.regions[0]], options));
  });
  const auto smallest = std::ranges::min(from, {}, [](const Group& g) { return g.regions.size(); });
  const auto share = options.subset_test * static_cast<double>(regions_of(from));
  return draw(from, std::max(static_cast<size_t>(std::llround(share)), smallest.regions.size()));
}

/// id -> fold of the small set.
std::map<std::string, std::string> deal(const RegionSet& set, const Owners& rest,
                                        const Owners& test, const config::DataOptions& options) {
  if (std::ssize(rest) < options.subset_folds)
    throw Error("data.subset.folds: value " + std::to_string(options.subset_folds) + ": fold " +
                    std::to_string(options.subset_fold) + " of '" + set.name + "' gives " +
                    count_of(rest.size(), options) + " to deal and " +
                    count_of(test.size(), options) +
                    " to test. Make fewer folds, or a larger data.subset.count.",
                Fault::request);
  std::map<std::string, std::string> folds;
  const auto sides = deal_groups(rest, {}, {.folds = options.subset_folds, .stratify = {}});
  for (size_t g = 0; g < rest.size(); ++g)
    for (const size_t i : rest[g].regions) folds[set.regions[i].id] = std::to_string(sides[g]);
  for (const auto& group : test)
    for (const size_t i : group.regions) folds[set.regions[i].id] = "test";
  return folds;
}

std::string note(const RegionSet& set, const config::DataOptions& options) {
  std::set<std::string> patients;
  for (const auto& region : set.regions) patients.insert(region.patient);
  const auto test =
      std::ranges::count_if(set.folds, [](const auto& f) { return f.second == "test"; });
  return "a small set of " + std::to_string(set.regions.size()) + " regions of " +
         std::to_string(patients.size()) + " patients out of fold " +
         std::to_string(options.subset_fold) + ": " +
         std::to_string(std::ssize(set.regions) - test) + " in " +
         std::to_string(options.subset_folds) + " folds, " + std::to_string(test) + " to test";
}

}  // namespace

void take_subset(RegionSet& set, const config::DataOptions& options) {
  if (options.subset_count == 0) return;
  Owners all = candidates(set, options);
  Owners drawn = draw(all, static_cast<size_t>(options.subset_count));
  const Owners test = draw_test(drawn, set, options);
  set.folds = deal(set, drawn, test, options);
  std::erase_if(set.regions, [&](const Region& region) { return !set.folds.contains(region.id); });
  util::Sha256 fingerprint;
  fingerprint.add(set.fingerprint + " subset");
  for (const auto& [id, fold] : set.folds) fingerprint.add("\n" + id + " " + fold);
  set.fingerprint = fingerprint.hex();
  set.notes.push_back(note(set, options));
}

}  // namespace hilum::data
