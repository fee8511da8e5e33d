// SPDX-License-Identifier: Apache-2.0
// Scores of what heads predict beside masks. Definitions: docs/metrics.md.
//
// All of them: a truth of NaN is an unknown target, left out and counted as `unknown` (`cases` are
// the rest); a prediction of NaN is an Error (Fault::work) that names its position, as is a length
// that differs. Without known cases nothing is defined, and each name stands in Scores::undefined.
#pragma once
#include <span>

#include "core/metrics/scores.hpp"

namespace hilum::metrics {

/// accuracy, balanced_accuracy, sensitivity, specificity, auc, cases, positives, unknown. A case is
/// called positive where its probability is above `threshold`. `truth` is 0 or 1; anything else is
/// an Error (data).
///   sensitivity, specificity: not defined without a case of class 1, of class 0;
///   balanced_accuracy (their mean) and auc: not defined unless there are cases of both.
Scores binary(std::span<const double> probability, std::span<const double> truth,
              double threshold = 0.5);

/// The area under the ROC curve (Mann-Whitney): how often a positive case stands above a negative
/// one, a tie counting one half. Needs cases of both classes and no NaN.
double auc(std::span<const double> score, std::span<const double> truth);

/// accuracy, within_one, mae, cases, unknown. Predictions and truths are levels; means of ratings
/// are rounded to the nearest level first, halves to the even one as numpy.rint does (mae: of the
/// levels so rounded).
Scores ordinal(std::span<const double> predicted, std::span<const double> truth);

/// mae, rmse, pearson, cases, unknown. pearson is not defined for fewer than two cases, or where
/// the truths or the predictions are all equal.
Scores regression(std::span<const double> predicted, std::span<const double> truth);

}  // namespace hilum::metrics
