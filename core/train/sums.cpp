// SPDX-License-Identifier: Apache-2.0
#include "core/train/sums.hpp"

#include <torch/torch.h>

namespace hilum::train {
namespace {

std::string element(const std::string& name, int64_t length, int64_t i) {
  return length == 1 ? name : name + "." + std::to_string(i);
}

}  // namespace

void Sums::add(const std::string& name, const torch::Tensor& value) {
  const int64_t length = value.numel();
  if (hold_) {
    auto& sum = held_[{name, length}];
    if (!sum.defined()) sum = start(name, value);
    sum.add_(value.detach().flatten());  // promoted to double before it is added
    return;
  }
  if (length == 1) return add(name, value.item<double>());
  const auto numbers = value.detach().to(torch::kCPU, torch::kDouble).contiguous();
  for (int64_t i = 0; i < length; ++i)
    add(element(name, length, i), numbers.const_data_ptr<double>()[i]);
}

// Goes on from the sum so far, which is not zero in an epoch that was resumed.
torch::Tensor Sums::start(const std::string& name, const torch::Tensor& value) const {
  std::vector<double> so_far;
  bool fresh = true;
  for (int64_t i = 0; i < value.numel(); ++i) {
    const auto found = numbers_.find(element(name, value.numel(), i));
    so_far.push_back(found == numbers_.end() ? 0 : found->second);
    fresh = fresh && so_far.back() == 0;
  }
  const auto options = value.options().dtype(torch::kDouble).requires_grad(false);
  if (fresh) return torch::zeros({value.numel()}, options);  // no copy, which would wait
  return torch::tensor(so_far, torch::kDouble).to(value.device());
}

void Sums::fetch() {
  for (const auto& [key, held] : held_) {
    const auto sum = held.cpu();
    for (int64_t i = 0; i < key.second; ++i)
      numbers_[element(key.first, key.second, i)] = sum.const_data_ptr<double>()[i];
  }
  held_.clear();
}

}  // namespace hilum::train
