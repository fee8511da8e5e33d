// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <torch/nn/module.h>
#include <torch/types.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "hilum/schema.hpp"

namespace hilum {

using torch::Tensor;
using Tensors = std::vector<Tensor>;
using Named = std::map<std::string, Tensor>;

/// Measured sizes of one sample's feature: [1,C,H,W], [1,C,D,H,W], [1,F] or whatever a stage gives.
struct Shape : std::vector<int64_t> {
  using vector::vector;
  int64_t channels() const { return at(1); }
};

/// Where a part stands: the features it will receive, and the first image its own backbone reads.
struct Site {
  std::vector<Shape> in;
  Shape image;
  int64_t dims() const { return static_cast<int64_t>(image.size()) - 2; }  // 2 or 3
};

/// A module with its own learning rates and reports. Fusions, regularizers and heads are Parts; a
/// module inside a stage may be one. Train or eval: is_training(), as in torch.
class HILUM_API Part : public torch::nn::Module {
 public:
  ~Part() override;
  /// What was logged since the last call. Not for two threads in one model.
  Named take_logs() { return std::exchange(logs_, {}); }
  /// Logged values keep their graph from now on: the gradient to a quantity that a parameter only
  /// encodes (a width through its softplus) can then be asked for under the quantity's name.
  void keep_graph(bool on) { keep_graph_ = on; }
  const std::map<std::string, double>& lr_scales() const { return lr_scales_; }

 protected:
  /// A learned tensor whose learning rate is lr_scale times the experiment's.
  Tensor parameter(const std::string& name, Tensor init, double lr_scale = 1) {
    lr_scales_[name] = lr_scale;
    return register_parameter(name, std::move(init));
  }
  /// A number of this step, or one an iteration ([T]). Kept on the device, never waited for.
  void log(const std::string& name, const Tensor& value) {
    logs_[name] = keep_graph_ ? value : value.detach();
  }

 private:
  Named logs_;
  bool keep_graph_ = false;
  std::map<std::string, double> lr_scales_;
};

}  // namespace hilum
