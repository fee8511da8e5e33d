// SPDX-License-Identifier: Apache-2.0
#include "core/train/step_record.hpp"

#include <algorithm>

#include "core/model/weights.hpp"
#include "core/util/xxh3.hpp"

namespace hilum::train {
namespace {

bool on_cpu(const model::Model& model) {
  const auto parameters = model.parameters();
  return std::all_of(parameters.begin(), parameters.end(),
                     [](const Tensor& p) { return p.is_cpu(); });
}

}  // namespace

StepRecord::StepRecord(const std::filesystem::path& folder, const std::string& digests,
                       const model::Model& model)
    : weights_(model::state(model)), every_step_(digests == "step" && on_cpu(model)) {
  if (digests != "off") log_.emplace(folder / runs::kStepsFile);
}

void StepRecord::begin(const data::Batch& batch) {
  if (!log_) return;
  util::Xxh3 cases;
  for (const auto& id : batch.ids) cases.add(id).add("\n");
  line_.cases = cases.hex(), line_.values = TensorDigest(batch.values).whole();
}

void StepRecord::end(runs::StepLine line, bool stepped, bool last) {
  if (!log_) return;
  line.cases = line_.cases, line.values = line_.values;
  if (stepped && last)
    line.weights = weights_.whole();
  else if (stepped && every_step_)
    line.weights = weights_.turn(line.step);
  log_->add(std::move(line));
}

void StepRecord::flush() {
  if (log_) log_->flush();
}

}  // namespace hilum::train
