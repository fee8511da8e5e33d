// SPDX-License-Identifier: Apache-2.0
// Folds that are made once and pinned in a file. No LibTorch.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/data/region.hpp"

namespace hilum::data {

struct FoldRules {
  int64_t folds = 5;       // at least 2
  std::string stratify;    // a target; empty: only the sizes are balanced
  double test = 0;         // share of the regions that is marked "test", in [0, 1)
  bool by_lesion = false;  // regions are dealt, not patients: folds share patients
  int64_t seed = 0;
};

/// The classes that are spread evenly: a target's values where they are six at most, else its
/// quarters; "unknown" where it is not known.
struct Strata {
  Strings names;               // "malignancy 1", "margin below 2.5", "malignancy unknown"
  std::vector<size_t> region;  // one a region: index into names
};

struct Folds {
  std::map<std::string, std::string> of;  // id -> "0", "1", ... or "test"
  Strata strata;                          // empty without rules.stratify
  Strings notes;  // patients that stay together because they share a scan or pixels
};
/// Deals whole patients (regions by lesion) so that regions, and those of each stratum, spread as
/// evenly as patients allow. A patient counts in the stratum of most of its regions, or of their
/// mean where the strata are quarters. Patients who share a series or an image stay together. A
/// function of the ids, patients, values and the seed; the order of regions does not matter. Throws
/// Error (Fault::request): no such target, or fewer patients than folds.
Folds make_folds(const RegionSet& set, const FoldRules& rules);
/// The file's text: the heading id,fold and the regions in their order.
std::string folds_text(const RegionSet& set, const std::map<std::string, std::string>& folds);

/// Two regions in different folds that are not independent.
struct FoldLeak {
  std::string what;  // "patient", "series", "nodule" or "image"
  std::string name;  // which patient, series or nodule; an image's SHA-256
  std::string id, fold, other_id, other_fold;
};
/// Each patient, series, nodule and image that stands in several folds: one entry for each further
/// fold, with its first region and the first one of all.
std::vector<FoldLeak> find_fold_leaks(const RegionSet& set,
                                      const std::map<std::string, std::string>& folds);

}  // namespace hilum::data
