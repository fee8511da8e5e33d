// SPDX-License-Identifier: Apache-2.0
// A plugin with the inputs of a case, ready to be called many times.
#pragma once
#include <torch/types.h>

#include <string>

#include "core/author/bench/case.hpp"
#include "core/model/alone.hpp"

namespace hilum::bench {

/// forward: in evaluation, without a gradient. forward_backward: in training; the gradient of the
/// sum of all outputs to the inputs and the parameters, as `hilum forward --train --grad`.
enum class Pass { forward, forward_backward };
inline constexpr Pass kPasses[] = {Pass::forward, Pass::forward_backward};
std::string to_text(Pass pass);

class Subject {
 public:
  /// New weights and random inputs of float32, the same ones each time. Throws Error (request)
  /// where the plugin refuses options or shapes.
  Subject(const Plugin& plugin, const Case& one, torch::Device device);
  /// Sets the mode and calls once: the first call plans the convolutions.
  void begin(Pass pass);
  /// One call. On a GPU it returns when the device is done.
  void step();

 private:
  void forward();
  void backward();
  model::Alone alone_;
  Named inputs_;
  Tensors to_;  // what gradients are asked for
  torch::Device device_;
  Pass pass_ = Pass::forward;
};

}  // namespace hilum::bench
