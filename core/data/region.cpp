// SPDX-License-Identifier: Apache-2.0
#include "core/data/region.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "core/data/folds.hpp"
#include "core/data/phantom.hpp"
#include "core/data/roi_set.hpp"
#include "core/data/subset.hpp"
#include "core/data/turn.hpp"

namespace hilum::data {
namespace fs = std::filesystem;
void require_source(const config::DataOptions& options) {
  if (options.source != "phantom" && !fs::is_directory(options.source))
    throw Error("data.source: value '" + options.source +
                    "': no such folder. It is 'phantom' or the folder of a ROI set.",
                Fault::request);
}

RegionSet read_regions(const config::DataOptions& options) {
  require_source(options);
  const Strings rules = {"drop3", "benign3", "malignant3", "raw"};
  if (std::find(rules.begin(), rules.end(), options.malignancy) == rules.end())
    throw Error("data.malignancy: value '" + options.malignancy + "' is unknown." +
                    suggestion(options.malignancy, rules),
                Fault::request);
  const Turn view = view_turn(options.view);
  const bool phantom = options.source == "phantom";
  RegionSet set = phantom ? make_phantoms(options) : read_roi_set(options.source, options);
  if (phantom)
    for (auto& region : set.regions) {
      double& rating = region.targets.at("malignancy");
      rating = malignancy(rating, options.malignancy);
    }
  for (auto& region : set.regions) show_from(region, view);
  const fs::path beside = fs::path(options.source) / "folds.csv";
  if (!options.folds.empty())
    set.folds = read_folds(options.folds, set.regions);
  else if (!phantom && fs::exists(beside))
    set.folds = read_folds(beside, set.regions);
  else
    set.folds = deal_folds(set.regions, options.split == "lesion");
  take_subset(set, options);
  return set;
}

void require_targets(const RegionSet& set, const Strings& needed) {
  for (const auto& name : needed) {
    if (name == "nodule_present") continue;  // from the mask
    const auto& known = set.target_names;
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      Strings all = known;
      all.push_back("nodule_present");
      throw Error("data: '" + set.name + "' has no target '" + name + "'." + suggestion(name, all) +
                      " Add a column to index.csv.",
                  Fault::data);
    }
    const bool unknown =
        std::all_of(set.regions.begin(), set.regions.end(),
                    [&](const Region& region) { return std::isnan(region.targets.at(name)); });
    if (unknown)
      throw Error("data: target '" + name + "' of '" + set.name + "' is unknown for every region.",
                  Fault::data);
  }
}

Strings fold_names(const RegionSet& set) {
  std::set<int64_t> numbers;
  for (const auto& [id, fold] : set.folds)
    if (fold != "test") numbers.insert(std::stoll(fold));
  Strings names;
  for (const auto number : numbers) names.push_back(std::to_string(number));
  return names;
}

}  // namespace hilum::data
