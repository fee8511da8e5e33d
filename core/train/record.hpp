// SPDX-License-Identifier: Apache-2.0
// What a run writes into the store about itself.
#pragma once
#include <string>
#include <vector>

#include "core/runs/store.hpp"
#include "core/train/evaluate.hpp"
#include "core/train/session.hpp"

namespace hilum::train {

/// Everything known before it starts: parameters, plugin hashes, commit, host, what `auto` became.
runs::NewRun describe(const Setup& setup);
std::vector<runs::PluginUse> plugin_uses(const plugins::Loader& loader);
/// The data's fingerprint, counts and split, once it is read.
void record_data(runs::Store& store, const std::string& id, const DataSetup& data);
/// Means as metrics of the split, and every case's figures. Throws Error (work) where the run is
/// done and its figures were changed since.
void record_evaluation(runs::Store& store, const std::string& id, const std::string& split,
                       int64_t step, int64_t epoch, const Evaluation& evaluation);

}  // namespace hilum::train
