// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/runs/store.hpp"
#include "core/train/progress.hpp"
#include "core/train/session.hpp"

namespace hilum::train {

/// Evaluates the model as it is on the test split, if there is one, and records it: figures at
/// `step` and `epoch`, predicted masks in the run's predictions/test (MaskFolder).
void test(const Setup& setup, const DataSetup& data, runs::Store& store, const runs::Run& run,
          int64_t step, int64_t epoch, Progress& progress);

}  // namespace hilum::train
