// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "core/data/samples.hpp"
#include "core/model/model.hpp"
#include "core/runs/steps/step_log.hpp"
#include "core/train/tensor_digest.hpp"

namespace hilum::train {

/// A run's steps.csv while it trains: what each batch got, and what it left. `hilum runs verify`
/// reads it.
class StepRecord {
 public:
  /// digests: train.digests. On a GPU weights are taken at epochs' ends only: no step waits for a
  /// copy of them. The model is where it is trained already.
  StepRecord(const std::filesystem::path& folder, const std::string& digests,
             const model::Model& model);
  /// Before the model gets the batch, and may write into it.
  void begin(const data::Batch& batch);
  /// After it. line: epoch, batch, step and loss. stepped: it completed a step; last: of its epoch.
  void end(runs::StepLine line, bool stepped, bool last);
  /// Before a checkpoint says that these steps were made.
  void flush();

 private:
  std::optional<runs::StepLog> log_;  // none: nothing is recorded
  TensorDigest weights_;
  bool every_step_;
  runs::StepLine line_;
};

}  // namespace hilum::train
