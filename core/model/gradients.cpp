// SPDX-License-Identifier: Apache-2.0
#include "core/model/gradients.hpp"

#include <torch/torch.h>

#include "core/model/alone.hpp"

namespace hilum::model {

Named gradients(torch::nn::Module& module, const Named& inputs, const Named& outputs,
                Strings& none) {
  Tensors of, ones, to;
  Strings names;
  for (const auto& [name, t] : outputs)
    if (t.requires_grad()) of.push_back(t), ones.push_back(torch::ones_like(t));
  const auto add = [&](const std::string& name, const Tensor& t) {
    if (t.requires_grad()) names.push_back(name), to.push_back(t);
  };
  const auto parameters = module.named_parameters();
  for (const auto& [name, t] : inputs) add(name, t);
  for (const auto& item : parameters) add(item.key(), item.value());
  for (const auto& [name, t] : take_logs(module)) add(name, t);
  Named found;
  if (!of.empty()) {
    const auto grads = torch::autograd::grad(of, to, ones, {}, false, /*allow_unused=*/true);
    for (size_t i = 0; i < to.size(); ++i)  // logs last: they win
      if (grads[i].defined()) found["grad." + names[i]] = grads[i];
  }
  for (const auto& [name, t] : inputs)
    if (!found.contains("grad." + name)) none.push_back(name);
  for (const auto& item : parameters)
    if (!found.contains("grad." + item.key())) none.push_back(item.key());
  return found;
}

}  // namespace hilum::model
