// SPDX-License-Identifier: Apache-2.0
// Figures in a table that no run of the store has: what a network is measured against.
#pragma once
#include <filesystem>
#include <vector>

#include "core/config/experiment.hpp"
#include "core/runs/store.hpp"

namespace hilum::tables {

/// What the size of a nodule alone says of a target of 0 and 1: a logistic regression on the log of
/// the true mask's volume (mm3), fitted on the experiment's training regions, asked on those that
/// it tests. Cases named "<target>.predicted" and "<target>.truth", as a head of that name has
/// them. Throws Error (data) for a target that the set does not have, or that is not 0 and 1.
std::vector<runs::CaseMetric> by_log_volume(const config::Experiment& experiment,
                                            const std::string& target);

/// Another system's figures: a CSV with the columns patient, nodule, slice (empty: the whole
/// nodule), name and value, in the store's words ("mask.dice"). Throws Error (data) with the line.
std::vector<runs::CaseMetric> read_cases(const std::filesystem::path& file);

}  // namespace hilum::tables
