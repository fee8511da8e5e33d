// SPDX-License-Identifier: Apache-2.0
// Who is on which side of a split. No LibTorch.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/data/region.hpp"

namespace hilum::data {

/// id -> fold, from a CSV with the columns id and fold; a fold is a number or "test". Every region
/// has one, and every id is a region; else Error (Fault::data) with counts and examples.
std::map<std::string, std::string> read_folds(const std::filesystem::path& file,
                                              const std::vector<Region>& regions);
/// Five folds without a file: patients (regions, for a split by lesion) in the order of their
/// SHA-256 are dealt in turn, so that folds are of equal size and do not depend on the order of
/// rows.
std::map<std::string, std::string> deal_folds(const std::vector<Region>& regions, bool by_lesion);

/// What two sides share, a sentence each, worst first: patients, nodules, pixels. `side`: one a
/// region;
/// "" takes no part.
Strings leaks(const std::vector<Region>& regions, const Strings& side);

}  // namespace hilum::data
