// SPDX-License-Identifier: Apache-2.0
#include "core/model/published.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <set>

#include "hilum/error.hpp"

namespace hilum::model {
namespace {
using Tensor = torch::Tensor;
using Weights = std::map<std::string, Tensor>;

// Weights of a convolution for 3 input channels, made for as many as `own` has; undefined where
// anything else differs. As segmentation_models_pytorch does it.
Tensor adapted(const Tensor& own, const Tensor& theirs) {
  auto sizes = own.sizes().vec();
  if (own.dim() < 4 || theirs.dim() != own.dim() || theirs.size(1) != 3) return {};
  const int64_t n = std::exchange(sizes[1], 3);
  if (theirs.sizes() != c10::IntArrayRef(sizes) || n < 1) return {};
  const Tensor rgb = theirs.to(own.scalar_type());
  if (n == 1) return rgb.sum(1, true);
  return rgb.index_select(1, torch::arange(n).remainder(3)) * (3.0 / static_cast<double>(n));
}

class Loading {
 public:
  Loading(const Weights& weights, const Prefixes& aliases, const std::string& prefix)
      : weights_(weights), aliases_(aliases), prefix_(prefix) {}

  void take(const std::string& own, Tensor& tensor) {
    const auto found = find(own);
    if (found == weights_.end()) return lacks(own);
    used_.insert(found->first);
    if (found->second.sizes() == tensor.sizes()) {
      tensor.copy_(found->second);
    } else if (const Tensor made = adapted(tensor, found->second); made.defined()) {
      tensor.copy_(made);
      const auto n = tensor.size(1);
      report.adapted.push_back(own + ": 3 input channels " +
                               (n == 1 ? "summed into 1" : "repeated to " + std::to_string(n)));
    } else {
      report.mismatched.push_back(mismatch(own, tensor, found->second));
      return;
    }
    report.loaded.push_back(own);
  }
  LoadReport finish() {
    const bool full = std::any_of(weights_.begin(), weights_.end(), [&](const auto& item) {
      return item.first.starts_with(prefix_);
    });
    for (const auto& [name, tensor] : weights_)
      if (!used_.contains(name) && (!full || name.starts_with(prefix_)))
        report.left_over.push_back(name);
    report.copied = std::ssize(report.loaded);
    return std::move(report);
  }
  LoadReport report;

 private:
  Weights::const_iterator find(const std::string& own) const {
    auto found = weights_.find(own);
    if (found == weights_.end()) found = weights_.find(own.substr(prefix_.size()));
    if (found == weights_.end())
      if (const auto published = published_name(aliases_, own)) found = weights_.find(*published);
    return found;
  }
  void lacks(const std::string& own) {
    constexpr std::string_view kCounter = "num_batches_tracked";
    const std::string norm = own.substr(0, own.rfind('.') + 1);
    const bool counter = own.ends_with(kCounter) && find(norm + "running_mean") != weights_.end();
    (counter ? report.counters : report.missing).push_back(own);
  }

  const Weights& weights_;
  const Prefixes& aliases_;
  const std::string& prefix_;
  std::set<std::string> used_;
};

}  // namespace

LoadReport load_published(torch::nn::Module& module, const Prefixes& aliases,
                          const Weights& weights, const std::string& prefix) {
  const torch::NoGradGuard no_grad;
  Loading loading(weights, aliases, prefix);
  for (auto& [name, tensor] : state(module))
    if (name.starts_with(prefix)) loading.take(name, tensor);
  return loading.finish();
}

Weights publish(const Weights& own, const Prefixes& prefixes, const KeyMap& map) {
  Weights published;
  Strings nameless;
  for (const auto& [name, tensor] : own) {
    const auto there = published_name(prefixes, name);
    if (map.drops(there.value_or(name))) continue;
    if (!there)
      nameless.push_back(name);
    else if (!published.emplace(*there, tensor).second)
      throw Error("two tensors would be called '" + *there + "', one of them '" + name +
                      "'. Export one part (--part), or give them different names in a key map",
                  Fault::request);
  }
  if (nameless.empty()) return published;
  const auto count = std::to_string(nameless.size());
  if (nameless.size() > 3) nameless.resize(3), nameless.emplace_back("...");
  throw Error("no published name for " + join(nameless, ", ") + " (" + count +
                  " in all). Export one part (--part), or name or drop them in a key map (--map)",
              Fault::request);
}

}  // namespace hilum::model
