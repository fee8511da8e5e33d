// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "core/config/options.hpp"

namespace hilum::train {

/// Learning rate (and first momentum) of a step: a function of the step's number alone, so that a
/// resumed run needs no state for it.
class Schedule {
 public:
  Schedule(const config::TrainOptions& options, int64_t steps_per_epoch);
  double lr(int64_t step) const;
  /// beta1 (or SGD's momentum) of a step: one-cycle moves it against the learning rate, as torch's
  /// OneCycleLR.
  double momentum(int64_t step, double base) const;

 private:
  double progress(int64_t step) const;  // of the whole training, in [0,1]
  config::TrainOptions options_;
  int64_t per_epoch_, total_, warmup_;
};

}  // namespace hilum::train
