// SPDX-License-Identifier: Apache-2.0
// A small clinical set within a large one. No LibTorch.
#pragma once
#include "core/data/region.hpp"

namespace hilum::data {

/// What [data.subset] says: keeps about `count` regions of one of the set's folds, deals them anew
/// (folds "0" to "k-1", and "test"), and says so in the notes and the fingerprint. Whole patients;
/// regions where data.split is "lesion". Which ones depends on ids, patients and the seed, not on
/// the order of rows. Without a count the set stays as it is. Throws Error (request): no such fold,
/// too few patients for the folds.
void take_subset(RegionSet& set, const config::DataOptions& options);

}  // namespace hilum::data
