// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/metrics/summary.hpp"
#include "core/runs/store.hpp"
#include "core/train/compute.hpp"

namespace hilum::train {

struct Evaluation {
  std::map<std::string, double> metrics;  // "loss", "mask.dice": see docs/metrics.md
  std::vector<runs::CaseMetric> cases;    // every nodule's and slice's figures
  Strings undefined;                      // "nodule.auc: no case of class 0"
};

/// The model on every sample, in eval mode, with the model's mode restored. Masks are put back on
/// each region's own grid and compared there, in mm: slices, whole nodules, patients. `tick(done,
/// total)` after each batch.
Evaluation evaluate(model::Model& model, const data::Sampler& sampler, const Compute& compute,
                    int64_t batch, const std::function<void(int64_t, int64_t)>& tick = {});

}  // namespace hilum::train
