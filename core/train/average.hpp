// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <torch/types.h>

#include <map>
#include <string>
#include <vector>

#include "core/model/model.hpp"

namespace hilum::train {

/// The moving average of a model's trained parameters: after each step average = d * average +
/// (1 - d) * parameter. Buffers, such as a batch norm's statistics, are the model's own.
class Average {
 public:
  /// Begins as the model is now. decay: in (0, 1).
  Average(model::Model& model, double decay);
  /// After a step; `step`: steps done before it. d is min(decay, (1 + step) / (10 + step)): the
  /// first steps, which the average would remember longest, weigh little.
  void update(int64_t step);
  /// The whole model by name, with averaged parameters; shares memory.
  std::map<std::string, torch::Tensor> state() const;
  /// Throws Error where a parameter is missing or has another shape.
  void load_state(const std::map<std::string, torch::Tensor>& saved);

  /// While it lives, the model computes with the average and state() must not be called.
  class InUse {
   public:
    explicit InUse(Average* average) : average_(average) {  // none: nothing happens
      if (average_) average_->swap();
    }
    ~InUse() {
      if (average_) average_->swap();
    }
    InUse(const InUse&) = delete;
    InUse& operator=(const InUse&) = delete;

   private:
    Average* average_;
  };

 private:
  void swap();
  model::Model& model_;
  double decay_;
  std::vector<std::string> names_;
  std::vector<torch::Tensor> params_, averages_;
};

}  // namespace hilum::train
