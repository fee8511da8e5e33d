// SPDX-License-Identifier: Apache-2.0
// The runs that a table asks for.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/config/experiment.hpp"
#include "core/report/table/table_file.hpp"

namespace hilum::tables {

/// One training: an experiment with its overrides, as on the command line.
struct Job {
  std::string label, tag;           // "proposed, seed 0, fold 0"; "table:NAME/ROW/..."
  std::optional<size_t> row, init;  // none: weights to start from; init: the job that makes them
  std::filesystem::path experiment;
  Strings overrides;
  int64_t seed = 0, fold = 0;
  bool computed = false;  // a ruler: nothing to train
  std::string set() const { return fold < 0 ? "test" : "folds"; }
};

/// Jobs in an order in which they can be done: what others start from comes first. `overrides` are
/// the command line's: they win over the row's, and the row's over the profile's. Those of the
/// profile and of the command line that name a part which an experiment does not have are left out
/// there. Throws Error (request) for one that no row has a place for, or for a chain of
/// train.init = "experiment:..." that closes.
std::vector<Job> jobs_of(const report::TableFile& table, const report::Profile& profile,
                         const Strings& overrides);

}  // namespace hilum::tables
