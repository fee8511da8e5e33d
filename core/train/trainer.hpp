// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>

#include "core/runs/store.hpp"
#include "core/train/progress.hpp"
#include "core/train/session.hpp"

namespace hilum::train {

struct RunResult {
  std::string id, status;  // done, interrupted
  std::filesystem::path folder;
  std::map<std::string, double> metrics;  // "test.mask.dice"
};

/// Records the run, reads the data, trains, validates, tests. A failure is recorded before it is
/// thrown.
RunResult run(Setup setup, runs::Store& store, Progress& progress);
/// Goes on from the last checkpoint, bit for bit; from the start where there is none yet. A
/// finished run is returned as it is.
RunResult resume(const std::string& run, runs::Store& store, Progress& progress);

}  // namespace hilum::train
