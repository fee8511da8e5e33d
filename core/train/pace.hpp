// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <cstdint>

namespace hilum::train {

/// How fast training goes: the time that is left, and an epoch's samples and waits for data.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;
  static double since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  /// step: of the checkpoint gone on from; last: of the whole training.
  void begin(int64_t step, int64_t last) { start_ = Clock::now(), first_ = step, last_ = last; }
  /// Seconds after `step` steps; 0 before the first.
  double left(int64_t step) const {
    if (step == first_) return 0;
    return since(start_) / static_cast<double>(step - first_) * static_cast<double>(last_ - step);
  }

  void begin_epoch() { epoch_ = Clock::now(), samples_ = 0, waited_ = 0; }
  void wait(double seconds) { waited_ += seconds; }
  void add(int64_t samples) { samples_ += samples; }
  struct Epoch {
    double samples_per_s, data_wait;  // data_wait: share of the time that steps waited for batches
  };
  Epoch epoch() const {
    const double seconds = since(epoch_);
    return {static_cast<double>(samples_) / seconds, waited_ / seconds};
  }

 private:
  Clock::time_point start_, epoch_;
  int64_t first_ = 0, last_ = 0, samples_ = 0;
  double waited_ = 0;
};

}  // namespace hilum::train
