// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "core/data/split_file.hpp"

namespace hilum::data {

/// Regions that stay in one fold.
struct Group {
  std::vector<size_t> regions;
  size_t stratum = 0;  // of the group as a whole
};

/// A fold for each group, 0 to rules.folds - 1, or rules.folds for "test": the sum of squared
/// differences from each fold's due, of regions, of groups and of both in each stratum, is as small
/// as moves and exchanges make it. Of groups that are alike the order decides.
std::vector<size_t> deal_groups(const std::vector<Group>& groups, const Strata& strata,
                                const FoldRules& rules);

}  // namespace hilum::data
