// SPDX-License-Identifier: Apache-2.0
#include <torch/torch.h>

#include "benchmarks/step/work.hpp"
#include "core/metrics/mask.hpp"
#include "core/model/safetensors.hpp"

namespace hilum::bench {
namespace {

class MetricsWork : public Work {
 public:
  explicit MetricsWork(Named given) : given_(std::move(given)) {
    const Tensor pred = tensor_of(given_, "pred"), truth = tensor_of(given_, "truth");
    const Tensor spacing = tensor_of(given_, "spacing").to(torch::kDouble).contiguous();
    size_ = pred.sizes().slice(1).vec();
    for (int64_t i = 0; i < pred.size(0); ++i) {
      const Tensor one = spacing[i];
      pairs_.push_back({{one.data_ptr<double>(), one.data_ptr<double>() + one.numel()},
                        bytes(pred, i),
                        bytes(truth, i)});
    }
  }
  void infer() override {
    for (const auto& pair : pairs_) sum_ += compare(pair).dice;
  }
  Named check() override {
    Named all;
    for (size_t i = 0; i < pairs_.size(); ++i)
      for (const auto& [name, value] : metrics::named(compare(pairs_[i]))) {
        auto& values = all[name];
        if (!values.defined()) values = torch::empty({std::ssize(pairs_)}, torch::kDouble);
        values[static_cast<int64_t>(i)] = value;
      }
    return all;
  }
  std::string about() const override { return std::to_string(pairs_.size()) + " pairs"; }

 private:
  struct Pair {
    std::vector<double> spacing;
    std::span<const uint8_t> pred, truth;
  };
  static std::span<const uint8_t> bytes(const Tensor& all, int64_t i) {
    const auto each = static_cast<size_t>(all.numel() / all.size(0));
    return {all.data_ptr<uint8_t>() + static_cast<size_t>(i) * each, each};
  }
  metrics::MaskScores compare(const Pair& pair) const {
    return metrics::compare({pair.pred, size_, pair.spacing}, {pair.truth, size_, pair.spacing});
  }
  Named given_;  // owns the voxels
  std::vector<int64_t> size_;
  std::vector<Pair> pairs_;
  double sum_ = 0;  // so that nothing is left out
};

}  // namespace

std::unique_ptr<Work> metrics_work(const std::filesystem::path& masks) {
  return std::make_unique<MetricsWork>(model::read_safetensors(masks));
}

}  // namespace hilum::bench
