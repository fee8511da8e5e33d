// SPDX-License-Identifier: Apache-2.0
#include "core/model/weights.hpp"

#include <torch/torch.h>

#include <sstream>

namespace hilum::model {

std::map<std::string, torch::Tensor> state(const torch::nn::Module& module) {
  std::map<std::string, torch::Tensor> all;
  for (const auto& item : module.named_parameters()) all[item.key()] = item.value();
  for (const auto& item : module.named_buffers()) all[item.key()] = item.value();
  return all;
}

LoadReport load_state(torch::nn::Module& module,
                      const std::map<std::string, torch::Tensor>& weights,
                      const std::string& prefix) {
  const torch::NoGradGuard no_grad;
  LoadReport report;
  auto own = state(module);
  for (auto& [name, tensor] : own) {
    if (!name.starts_with(prefix)) continue;
    const auto found = weights.find(name);
    if (found == weights.end()) {
      report.missing.push_back(name);
    } else if (found->second.sizes() != tensor.sizes()) {
      report.mismatched.push_back(mismatch(name, tensor, found->second));
    } else {
      tensor.copy_(found->second);
      report.loaded.push_back(name);
    }
  }
  for (const auto& [name, tensor] : weights)
    if (name.starts_with(prefix) && !own.count(name)) report.left_over.push_back(name);
  report.copied = std::ssize(report.loaded);
  return report;
}

std::string mismatch(const std::string& name, const torch::Tensor& here,
                     const torch::Tensor& there) {
  std::ostringstream text;
  text << name << ": " << here.sizes() << " here, " << there.sizes() << " there";
  return text.str();
}

}  // namespace hilum::model
