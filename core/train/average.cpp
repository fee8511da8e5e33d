// SPDX-License-Identifier: Apache-2.0
#include "core/train/average.hpp"

#include <torch/torch.h>

#include "core/model/weights.hpp"
#include "hilum/error.hpp"

namespace hilum::train {
using torch::Tensor;

Average::Average(model::Model& model, double decay) : model_(model), decay_(decay) {
  for (const auto& item : model.named_parameters()) {
    if (!item.value().requires_grad()) continue;
    names_.push_back(item.key());
    params_.push_back(item.value());
    averages_.push_back(item.value().detach().clone());
  }
}

void Average::update(int64_t step) {
  const torch::NoGradGuard no_grad;
  const auto n = static_cast<double>(step);
  at::_foreach_lerp_(averages_, params_, 1 - std::min(decay_, (1 + n) / (10 + n)));
}

std::map<std::string, Tensor> Average::state() const {
  auto all = model::state(model_);
  for (size_t i = 0; i < names_.size(); ++i) all[names_[i]] = averages_[i];
  return all;
}

void Average::load_state(const std::map<std::string, Tensor>& saved) {
  for (size_t i = 0; i < names_.size(); ++i) {
    const auto found = saved.find(names_[i]);
    if (found == saved.end() || found->second.sizes() != averages_[i].sizes())
      throw Error("the checkpoint has no average of '" + names_[i] +
                  "': it was written by another experiment");
    averages_[i].copy_(found->second);
  }
}

// Storages change places: nothing is copied, and the optimizer's handles stay those of the model.
void Average::swap() {
  for (size_t i = 0; i < params_.size(); ++i) {
    const Tensor own = params_[i].detach();
    params_[i].set_data(averages_[i]);
    averages_[i] = own;
  }
}

}  // namespace hilum::train
