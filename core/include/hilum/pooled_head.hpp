// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <torch/nn/modules/linear.h>

#include <vector>

#include "hilum/nn.hpp"

namespace hilum {

/// What heads of numbers begin with: pooled features side by side, a layer with ReLU where `hidden`
/// is above 0, dropout, a linear layer. The children are `hidden` and `fc`.
struct PooledHead : Head {
  PooledHead(const Site& at, int64_t width, int64_t outputs, double dropout, bool maximum,
             bool bias = true)
      : dropout(dropout), maximum(maximum) {
    int64_t features = channels(at.in);
    if (width > 0) {
      hidden = register_module("hidden", nn::Linear(features, width));
      features = width;
    }
    fc = register_module("fc", nn::Linear(nn::LinearOptions(features, outputs).bias(bias)));
  }
  /// [N,C,...] each, or [N,F] -> [N,F].
  Tensor features(const std::vector<Tensor>& in) {
    const Tensor h = pooled(in, maximum);
    return hidden ? hidden(h).relu() : h;
  }
  /// [N,F] -> [N,outputs].
  Tensor logits(const Tensor& h) { return fc(torch::dropout(h, dropout, is_training())); }

  double dropout;
  bool maximum;
  nn::Linear hidden{nullptr}, fc{nullptr};
};

}  // namespace hilum
