// SPDX-License-Identifier: Apache-2.0
// An evaluation that is a run of its own: of several runs, with flips, on another fold.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/train/ensemble.hpp"
#include "core/train/record.hpp"

namespace hilum::train {

struct EvaluationRequest {
  std::vector<Member> members;  // the first one's name, config and data are the evaluation's
  bool flips = false;
  std::string split;            // under which the figures are kept: "test"
  std::vector<size_t> regions;  // of the data's set
};

/// What the store keeps of it: name "NAME-ensemble", "NAME-flips" or "NAME-fold3", parent the first
/// member, tag "evaluation", every member's plugins, and a config hash over what was asked.
runs::NewRun describe(const EvaluationRequest& request, const DataSetup& data);
/// A done run of the same evaluation, if there is one.
std::optional<std::string> earlier(const runs::NewRun& run, const DataSetup& data);

/// Throws Error (data) naming a region that a member was trained or chosen on (where the split is
/// "val": trained on) and that is evaluated now, or whose pixels are.
void require_unseen(const EvaluationRequest& request, const DataSetup& data);

}  // namespace hilum::train
