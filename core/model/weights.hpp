// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>

#include <torch/nn/module.h>

#include "hilum/names.hpp"

namespace hilum::model {

/// Parameters and buffers by their full names, sorted. Tensors share the module's memory.
std::map<std::string, torch::Tensor> state(const torch::nn::Module& module);

/// What copying weights covered and what not. Names are the module's but for left_over.
struct LoadReport {
  Strings loaded;      // copied, the adapted ones among them
  Strings adapted;     // "C1.conv1.weight: 3 input channels summed into 1"
  Strings counters;    // of batch norms; files of older PyTorch have none, they are left alone
  Strings missing;     // in the module, not in the weights
  Strings left_over;   // in the weights, not in the module
  Strings mismatched;  // "seg.S1.conv1.weight: [32,1,3,3] here, [64,1,3,3] there"
  int64_t copied = 0;  // as many as `loaded`
};
/// Copies by name; only names that start with `prefix`. Shapes that differ are left alone and
/// reported.
LoadReport load_state(torch::nn::Module& module,
                      const std::map<std::string, torch::Tensor>& weights,
                      const std::string& prefix = "");

/// "seg.S1.conv1.weight: [32,1,3,3] here, [64,1,3,3] there".
std::string mismatch(const std::string& name, const torch::Tensor& here,
                     const torch::Tensor& there);

}  // namespace hilum::model
