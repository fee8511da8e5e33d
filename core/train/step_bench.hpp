// SPDX-License-Identifier: Apache-2.0
// How long a training step of an experiment takes, and what it does in that time.
#pragma once
#include <string>
#include <vector>

#include "core/train/progress.hpp"
#include "core/train/session.hpp"

namespace hilum::train {

struct StepBenchOptions {
  int64_t warmup = 3, steps = 20;
  bool profile = false;  // operators too: a step is then a little slower
};
/// A part of a step, in the order in which it comes: mean seconds.
struct StepPhase {
  std::string name;  // "wait for data", "forward and loss", "backward", "optimizer", "record"
  double seconds = 0;
};
/// Operators of one kind of work (op_times.hpp), the optimizer's apart: seconds a step.
struct StepWork {
  std::string kind;
  double seconds = 0, calls = 0;
};
struct StepBench {
  int64_t batch = 0, steps = 0;
  double median = 0, low = 0, high = 0;  // seconds a step, and its quartiles
  double samples_per_s = 0;
  double peak_bytes = 0;  // of the process's memory
  std::vector<StepPhase> phases;
  std::vector<StepWork> works, ops;  // most time first; ops: single operators, the first dozen
};
/// Trains so many steps as a run does, without recording one. Throws as a run does.
StepBench bench_steps(Setup& setup, const StepBenchOptions& options, Progress& progress);

}  // namespace hilum::train
