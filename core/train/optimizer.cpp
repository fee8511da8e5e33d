// SPDX-License-Identifier: Apache-2.0
#include "core/train/optimizer.hpp"

#include <torch/torch.h>

#include "hilum/error.hpp"

namespace hilum::train {
using torch::Tensor;

Optimizer::Optimizer(const model::Model& model, const config::TrainOptions& options)
    : options_(options), adam_(options.optimizer != "sgd") {
  const auto scales = model.lr_scales();
  for (const auto& item : model.named_parameters()) {
    if (!item.value().requires_grad()) continue;
    const auto found = scales.find(item.key());
    const double scale = found == scales.end() ? 1 : found->second;
    auto group = std::find_if(groups_.begin(), groups_.end(),
                              [&](const Group& g) { return g.scale == scale; });
    if (group == groups_.end()) group = groups_.insert(groups_.end(), Group{.scale = scale});
    group->names.push_back(item.key());
    group->params.push_back(item.value());
    // zeros_like keeps the memory format: the fused kernels walk all tensors in one order.
    group->first.push_back(torch::zeros_like(item.value()));
    if (adam_) group->second.push_back(torch::zeros_like(item.value()));
  }
  if (groups_.empty())
    throw Error("nothing to train: every parameter is frozen (train.freeze)", Fault::request);
  count_ =
      torch::zeros({}, torch::TensorOptions(groups_[0].params[0].device()).dtype(torch::kFloat));
}

void Optimizer::zero_grad() {
  for (auto& group : groups_)
    for (auto& p : group.params) p.mutable_grad().reset();
}

std::vector<Tensor> Optimizer::gradients() const {
  std::vector<Tensor> grads;
  for (const auto& group : groups_)
    for (const auto& p : group.params)
      if (p.grad().defined()) grads.push_back(p.grad());
  return grads;
}

Tensor Optimizer::norm() const {
  const auto grads = gradients();
  return grads.empty() ? torch::zeros({}) : torch::stack(at::_foreach_norm(grads)).norm();
}

void Optimizer::clip(double largest) {
  const auto grads = gradients();
  if (grads.empty()) return;
  const Tensor factor = (largest / (norm() + 1e-6)).clamp_max(1);
  if (factor.is_cuda()) return at::_foreach_mul_(grads, factor);
  if (const auto f = factor.item<double>(); f < 1) at::_foreach_mul_(grads, f);
}

void Optimizer::step(double lr, double momentum) {
  const torch::NoGradGuard no_grad;
  count_.add_(1);
  for (auto& group : groups_) step_group(group, lr * group.scale, momentum);
}

void Optimizer::step_group(Group& group, double lr, double momentum) {
  std::vector<Tensor> params, grads, first, second;
  for (size_t i = 0; i < group.params.size(); ++i) {
    const Tensor& grad = group.params[i].grad();
    if (!grad.defined()) continue;
    params.push_back(group.params[i]), first.push_back(group.first[i]);
    grads.push_back(grad.strides() == group.params[i].strides()
                        ? grad
                        : torch::empty_like(group.params[i]).copy_(grad));
    if (adam_) second.push_back(group.second[i]);
  }
  if (params.empty()) return;
  const double decay = options_.weight_decay;
  if (!adam_ && momentum == 0) first.clear();  // the kernel refuses buffers that it would not use
  if (!adam_)
    return at::_fused_sgd_(params, grads, first, decay, momentum, lr, 0, false, false,
                           count_.item<float>() == 1);
  const std::vector<Tensor> steps(params.size(), count_);
  if (options_.optimizer == "adamw")
    at::_fused_adamw_(params, grads, first, second, {}, steps, lr, momentum, options_.betas[1],
                      decay, options_.eps, /*amsgrad=*/false, /*maximize=*/false);
  else
    at::_fused_adam_(params, grads, first, second, {}, steps, lr, momentum, options_.betas[1],
                     decay, options_.eps, /*amsgrad=*/false, /*maximize=*/false);
}

std::map<std::string, Tensor> Optimizer::state() const {
  std::map<std::string, Tensor> all{{"count", count_}};
  for (const auto& group : groups_)
    for (size_t i = 0; i < group.names.size(); ++i) {
      all[group.names[i] + ".exp_avg"] = group.first[i];
      if (adam_) all[group.names[i] + ".exp_avg_sq"] = group.second[i];
    }
  return all;
}

void Optimizer::load_state(const std::map<std::string, Tensor>& saved) {
  for (auto& [name, tensor] : state()) {
    const auto found = saved.find(name);
    if (found == saved.end() || found->second.sizes() != tensor.sizes())
      throw Error("the checkpoint has no optimizer state for '" + name +
                  "': it was written by another experiment or optimizer");
    tensor.copy_(found->second);
  }
}

}  // namespace hilum::train
