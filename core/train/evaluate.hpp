// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/data/samples.hpp"
#include "core/metrics/summary.hpp"
#include "core/model/model.hpp"
#include "core/runs/store.hpp"
#include "core/train/compute.hpp"

namespace hilum::train {

struct Evaluation {
  std::map<std::string, double> metrics;  // "loss", "mask.dice": see docs/metrics.md
  std::vector<runs::CaseMetric> cases;    // every nodule's and slice's figures
  Strings undefined;                      // "nodule.auc: no case of class 0"
};

/// What a caller adds to an evaluation.
struct EvaluateHooks {
  std::function<void(int64_t done, int64_t total)> tick;  // after each batch
  /// In place of the model's own forward: several models' mean, flips. Inputs are placed on the
  /// device. The loss is then left out.
  std::function<model::Outputs(const data::Named&)> answer;
  /// Each region's probability of each mask output, on the region's own grid, once it is whole.
  /// `output` is "mask", or "head.target" where a head has several.
  std::function<void(const data::Region&, const std::string& output,
                     const std::vector<float>& probability, double threshold)>
      mask;
};

/// The model on every sample, in eval mode, with the model's mode restored. Masks are put back on
/// each region's own grid and compared there, in mm: slices, whole nodules, patients.
Evaluation evaluate(model::Model& model, const data::Sampler& sampler, const Compute& compute,
                    int64_t batch, const EvaluateHooks& hooks = {});

}  // namespace hilum::train
