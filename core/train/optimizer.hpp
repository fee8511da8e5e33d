// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <torch/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/config/options.hpp"
#include "core/model/model.hpp"

namespace hilum::train {

/// Adam, AdamW or SGD in one fused step for all parameters of a learning-rate factor (torch's own
/// loop over parameters takes three times as long). Equal to torch.optim's.
class Optimizer {
 public:
  Optimizer(const model::Model& model, const config::TrainOptions& options);
  void zero_grad();
  /// Of all gradients together, [].
  torch::Tensor norm() const;
  /// Scales the gradients down to a norm of `largest` if theirs is above. On a GPU nothing waits.
  void clip(double largest);
  /// lr: of the schedule; momentum: beta1 or SGD's.
  void step(double lr, double momentum);
  /// State by parameter name: "seg.S1.conv1.weight.exp_avg"; shares memory.
  std::map<std::string, torch::Tensor> state() const;
  void load_state(const std::map<std::string, torch::Tensor>& state);
  double base_momentum() const { return adam_ ? options_.betas[0] : options_.momentum; }

 private:
  struct Group {
    double scale = 1;
    std::vector<std::string> names;
    std::vector<torch::Tensor> params, first, second;  // SGD: first is the momentum buffer
  };
  std::vector<torch::Tensor> gradients() const;
  void step_group(Group& group, double lr, double momentum);
  config::TrainOptions options_;
  bool adam_;
  std::vector<Group> groups_;
  torch::Tensor count_;  // steps taken, float32
};

}  // namespace hilum::train
