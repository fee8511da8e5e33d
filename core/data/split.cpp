// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <set>

#include "core/data/folds.hpp"
#include "core/data/region.hpp"
#include "core/util/sha256.hpp"

namespace hilum::data {
namespace {

bool by_lesion(const config::DataOptions& options) { return options.split == "lesion"; }

Strings known_folds(const RegionSet& set) {
  std::set<std::string> names;
  for (const auto& [id, fold] : set.folds) names.insert(fold);
  return {names.begin(), names.end()};
}

void need_fold(const RegionSet& set, const std::string& key, const std::string& fold) {
  const auto known = known_folds(set);
  if (std::find(known.begin(), known.end(), fold) != known.end()) return;
  throw Error("data." + key + ": value '" + fold + "': no region of '" + set.name +
                  "' is in this fold. Folds: " + join(known, ", ") + ".",
              Fault::request);
}

/// Moves a share of the training patients (regions, by lesion) to validation: those whose hash with
/// the seed is smallest, so that the choice does not depend on the order of rows.
void move_fraction(const RegionSet& set, Split& split, double fraction, bool lesion, int64_t seed) {
  const auto owner = [&](size_t i) { return lesion ? set.regions[i].id : set.regions[i].patient; };
  std::map<std::string, std::string> order;
  for (const size_t i : split.train)
    order.emplace(util::sha256("validation " + std::to_string(seed) + " " + owner(i)), owner(i));
  const auto wanted = std::llround(fraction * static_cast<double>(order.size()));
  const auto count = static_cast<size_t>(std::max<int64_t>(1, wanted));
  if (count >= order.size())
    throw Error("data.val: a fraction of " + std::to_string(fraction) + " of " +
                    std::to_string(order.size()) + " training " +
                    (lesion ? "regions" : "patients") + " leaves none to train.",
                Fault::request);
  std::set<std::string> chosen;
  for (const auto& [hash, name] : order)
    if (chosen.size() < count) chosen.insert(name);
  const auto stays = [&](size_t i) { return !chosen.contains(owner(i)); };
  const auto middle = std::stable_partition(split.train.begin(), split.train.end(), stays);
  split.val.assign(middle, split.train.end());
  split.train.erase(middle, split.train.end());
}

std::string part(const RegionSet& set, const std::vector<size_t>& side, const char* purpose) {
  std::set<std::string> patients;
  for (const size_t i : side) patients.insert(set.regions[i].patient);
  return std::to_string(side.size()) + " regions of " + std::to_string(patients.size()) +
         " patients to " + purpose;
}

}  // namespace

Split make_split(const RegionSet& set, const config::DataOptions& options, int64_t seed) {
  const auto val = config::validation(options);
  const std::string test = options.fold < 0 ? "test" : std::to_string(options.fold);
  need_fold(set, "fold", test);
  if (!val.fold.empty()) need_fold(set, "val", val.fold);
  Split split;
  size_t held_out = 0;
  for (size_t i = 0; i < set.regions.size(); ++i) {
    const auto& fold = set.folds.at(set.regions[i].id);
    if (fold == test)
      split.test.push_back(i);
    else if (fold == "test")
      ++held_out;  // never trained on, whatever fold is tested
    else if (fold == val.fold)
      split.val.push_back(i);
    else
      split.train.push_back(i);
  }
  if (val.fraction > 0 && !split.train.empty())
    move_fraction(set, split, val.fraction, by_lesion(options), seed);
  if (split.train.empty())
    throw Error("data.fold: with fold " + test + " to test no region of '" + set.name +
                    "' is left to train. Folds: " + join(known_folds(set), ", ") + ".",
                Fault::request);
  split.text = part(set, split.train, "train");
  if (!split.val.empty()) split.text += ", " + part(set, split.val, "validate");
  split.text += ", " + part(set, split.test, "test");
  if (held_out > 0)
    split.text += ", " + std::to_string(held_out) + " regions marked 'test' left out";
  return split;
}

Strings check_leakage(const RegionSet& set, const Split& split,
                      const config::DataOptions& options) {
  Strings side(set.regions.size());
  for (const size_t i : split.train) side[i] = "train";
  for (const size_t i : split.val) side[i] = "val";
  for (const size_t i : split.test) side[i] = "test";
  const Strings found = leaks(set.regions, side);
  if (found.empty()) return {};
  if (!by_lesion(options))
    throw Error("data: '" + set.name + "': " + join(found, "; ") +
                    ". Correct the folds, or set data.split = \"lesion\", which marks the run.",
                Fault::data);
  Strings warnings;
  for (const auto& leak : found) warnings.push_back("data.split is 'lesion': " + leak);
  return warnings;
}

}  // namespace hilum::data
