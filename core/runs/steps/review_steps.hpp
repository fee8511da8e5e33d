// SPDX-License-Identifier: Apache-2.0
// Does a run's own record of its steps hold?
#pragma once
#include "core/runs/queries.hpp"
#include "core/runs/steps/steps.hpp"

namespace hilum::runs {

struct StepsReview {
  int64_t steps = 0, epochs = 0, attempts = 0;  // epochs: begun ones
  size_t batches = 0;
  std::vector<int64_t> resumed;  // steps that were done when a later attempt began
  int64_t again = 0;             // steps that were made more than once
  bool again_equal = true;
  std::vector<std::string> problems;  // sentences, with the file's line where there is one
};

/// Every line as it was written; every batch of every epoch there, each attempt beginning where the
/// record had come to or before; what was made again equal. `losses`: the store's mean of each
/// epoch (its metric train.loss): they have to follow from the lines to the last bit.
StepsReview review_steps(const Steps& steps, const Curve& losses);

}  // namespace hilum::runs
