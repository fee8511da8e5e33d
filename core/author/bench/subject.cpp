// SPDX-License-Identifier: Apache-2.0
#include "core/author/bench/subject.hpp"

#include <torch/torch.h>

namespace hilum::bench {
namespace {

Named random_inputs(const Case& one) {
  torch::manual_seed(0);
  Named inputs;
  for (const auto& [name, shape] : one.inputs) inputs[name] = torch::rand(shape);
  return inputs;
}

}  // namespace

std::string to_text(Pass pass) { return pass == Pass::forward ? "forward" : "forward_backward"; }

Subject::Subject(const Plugin& plugin, const Case& one, torch::Device device)
    : alone_(plugin, one.options, random_inputs(one)),
      inputs_(random_inputs(one)),
      device_(device) {
  alone_.module().to(device);
  to_ = alone_.module().parameters();
  for (auto& [name, t] : inputs_) {
    t = t.to(device).set_requires_grad(true);
    to_.push_back(t);
  }
}

void Subject::begin(Pass pass) {
  pass_ = pass;
  alone_.module().train(pass == Pass::forward_backward);
  step();
}

void Subject::step() {
  pass_ == Pass::forward ? forward() : backward();
  if (device_.is_cuda()) torch::cuda::synchronize(device_.index());
}

void Subject::forward() {
  const torch::NoGradGuard no_grad;
  alone_.forward(inputs_);
}

void Subject::backward() {
  Tensors outputs, ones;
  for (const auto& [name, t] : alone_.forward(inputs_))
    if (t.requires_grad()) outputs.push_back(t), ones.push_back(torch::ones_like(t));
  if (!outputs.empty()) torch::autograd::grad(outputs, to_, ones, {}, false, true);
}

}  // namespace hilum::bench
