// SPDX-License-Identifier: Apache-2.0
// From the scores of cases to the figures of a run. Definitions: docs/metrics.md.
#pragma once
#include <optional>
#include <span>
#include <string>

#include "core/metrics/mask.hpp"
#include "core/metrics/scores.hpp"

namespace hilum::metrics {

/// One mask compared: a nodule as a whole (3D, all its slices together; slice: none), or one slice
/// of it.
struct CaseScores {
  std::string patient, nodule;
  std::optional<int64_t> slice;
  MaskScores scores;
};

/// For each of the seven metrics, here `dice`, each case with the same weight:
///   dice                  mean over nodules;  sd_dice (n - 1), median_dice
///   patient_dice          mean over each patient's nodules, then over patients
///   slice_dice            mean over slices
///   nonempty_dice, nonempty_patient_dice, nonempty_slice_dice   the same without cases of which a
///   mask is empty
/// and the counts cases (nodules), patients, slices, empty_pred, empty_truth, empty_both (of
/// nodules: only the prediction, only the truth, both), slice_empty_pred, slice_empty_truth,
/// slice_empty_both. Figures of slices, and their counts, are there only when there are slices.
/// What no case defines is left out and named in Scores::undefined. Throws Error (Fault::work)
/// naming a case whose score is not finite.
Scores summarize(std::span<const CaseScores> cases);

}  // namespace hilum::metrics
