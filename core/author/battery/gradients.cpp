// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>
#include <torch/torch.h>

#include <algorithm>
#include <set>

#include "core/author/battery/checks.hpp"

namespace hilum::author {
namespace {

// Along a random direction of all inputs and parameters at once. The median over directions, since
// a network of ReLUs has corners that a step may cross.
double median_error(Trial& t, Subject& s, const Tensors& variables) {
  const auto value = [&] {
    torch::manual_seed(7);  // dropout drops the same
    return s.loss(s.inputs);
  };
  const auto grads = torch::autograd::grad({value()}, variables, {}, false, false, true);
  const torch::NoGradGuard no_grad;
  const double size = value().abs().item<double>();
  std::vector<double> errors;
  for (int k = 0; k < 7; ++k) {
    t.trying(t.tried());  // a sign of life
    Tensors direction;
    torch::manual_seed(static_cast<uint64_t>(100 + k));
    for (const auto& v : variables) direction.push_back(torch::randn_like(v));
    double expected = 0;
    for (size_t i = 0; i < variables.size(); ++i)
      if (grads[i].defined()) expected += (grads[i] * direction[i]).sum().item<double>();
    // Steep is bent, too: batch norm of three values, several times over, has slopes of 1e5.
    const double step = std::min(1e-7, 1e-4 / (std::abs(expected) + 1e-9));
    const auto move = [&](double by) {
      for (size_t i = 0; i < variables.size(); ++i) variables[i].detach().add_(direction[i], by);
    };
    move(step);
    const double above = value().item<double>();
    move(-2 * step);
    const double below = value().item<double>();
    move(step);
    const double measured = (above - below) / (2 * step);
    errors.push_back(std::abs(measured - expected) /
                     (std::abs(measured) + std::abs(expected) + 1e-4 * (1 + size)));
  }
  std::nth_element(errors.begin(), errors.begin() + 3, errors.end());
  return errors[3];
}

// Which of the variables the gradient is wrong in: one at a time.
std::string culprits(Trial& t, Subject& s, const Tensors& variables) {
  std::map<const void*, std::string> names;
  for (const auto& item : s.module->named_parameters())
    names[item.value().unsafeGetTensorImpl()] = "parameter '" + item.key() + "'";
  for (size_t i = 0; i < s.inputs.size(); ++i)
    names[s.inputs[i].unsafeGetTensorImpl()] = fmt::format("input {}", i);
  std::string text;
  for (const auto& v : variables)
    if (median_error(t, s, {v}) > 1e-3)
      text += (text.empty() ? ", in " : ", ") + names[v.unsafeGetTensorImpl()];
  return text;
}

}  // namespace

void check_gradients(Trial& t) {
  for (const int64_t dims : {2, 3}) {
    t.trying(fmt::format("the gradient of a loss over {}", sizes(t.usual(dims))));
    Subject s = t.small_one({.size = t.usual(dims), .batch = 3});
    for (auto& x : s.inputs) x.set_requires_grad(true);
    const Tensor loss = s.loss(s.inputs);
    t.expect(loss.isfinite().item<bool>(), "the loss is not finite", "Its terms, one by one.");
    if (!loss.requires_grad()) {
      t.expect(s.module->parameters().empty(), "no parameter is on the way to the loss",
               "A detach(), a comparison or a NoGradGuard in forward?");
      return;
    }
    loss.backward();
    for (const auto& item : s.module->named_parameters()) {
      const Tensor& grad = item.value().grad();
      t.expect(grad.defined(), "'" + item.key() + "' received no gradient",
               "A parameter that nothing reads slows training and is lost in a table of "
               "parameters: use it, or make it only where site.in says that it is needed.");
      t.expect(grad.isfinite().all().item<bool>(),
               "the gradient of '" + item.key() + "' is not finite",
               "A square root or a norm at 0, or a division by a value that can be 0: add an "
               "epsilon.");
    }
    for (size_t i = 0; i < s.learns_from; ++i)
      t.expect(s.inputs[i].grad().defined(), fmt::format("input {} received no gradient", i),
               "What stands before it would not learn: a detach() or a comparison in forward?");
  }
}

void check_registered(Trial& t) {
  t.trying("the leaves of the loss's graph");
  Subject s = t.small_one({.size = t.usual(2)});
  std::set<const void*> known;
  for (const auto& p : s.module->parameters()) known.insert(p.unsafeGetTensorImpl());
  for (const auto& x : s.inputs) known.insert(x.unsafeGetTensorImpl());
  const Tensor loss = s.loss(s.inputs);
  if (!loss.requires_grad()) return;
  std::set<torch::autograd::Node*> seen;
  std::vector<torch::autograd::Node*> open{loss.grad_fn().get()};
  while (!open.empty()) {
    auto* node = open.back();
    open.pop_back();
    if (!node || !seen.insert(node).second) continue;
    if (const auto* leaf = dynamic_cast<torch::autograd::AccumulateGrad*>(node))
      t.expect(known.count(leaf->variable.unsafeGetTensorImpl()) > 0,
               fmt::format("a tensor of {} learns and is no parameter of the module",
                           sizes(leaf->variable.sizes())),
               "It would be neither trained nor saved: register_module or register_parameter in "
               "the constructor.");
    for (const auto& edge : node->next_edges()) open.push_back(edge.function.get());
  }
}

void check_differences(Trial& t) {
  for (const int64_t dims : {2, 3})
    for (const bool training : {false, true}) {
      t.trying(fmt::format("float64, {} in {} mode, a step of 1e-7 along random directions",
                           sizes(t.usual(dims)), training ? "train" : "eval"));
      Subject s = t.small_one({.size = t.usual(dims), .batch = 3});
      s.module->to(torch::kDouble);
      s.module->train(training);
      Tensors variables = s.module->parameters();
      {
        const torch::NoGradGuard no_grad;
        for (auto& p : variables) p.add_(torch::randn_like(p), 0.05);  // away from zeros and ones
      }
      for (auto& x : s.inputs) x = x.to(torch::kDouble);
      for (size_t i = 0; i < s.learns_from; ++i)
        variables.push_back(s.inputs[i].set_requires_grad(true));
      if (!s.loss(s.inputs).requires_grad()) throw Skipped{"it is not differentiable"};
      const double error = median_error(t, s, variables);
      if (error < 1e-4) continue;
      const std::string where = culprits(t, s, variables);
      throw Wrong{fmt::format("the gradient is off by {:.2g} of its size{}", error, where),
                  "The backward of a torch::autograd::Function of its own, a detach(), or an "
                  "in-place change of a tensor that the graph needs."};
    }
}

}  // namespace hilum::author
