// SPDX-License-Identifier: Apache-2.0
// presence: one logit a sample from the feature's mean; the target is a column of 0 and 1.
#include <hilum/blocks.hpp>

namespace {
using hilum::Named;

struct Presence : hilum::Head {
  struct Options {  // what an experiment may set; the initialisers are the defaults
    std::string target = "nodule_present";
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}.add("target", &Options::target, "column that is learned");
  }
  Presence(const Options& options, const hilum::Site& at) : target(options.target) {
    linear = register_module("linear", torch::nn::Linear(hilum::channels(at.in), 1));
  }
  Named forward(const hilum::Tensors& in) override {  // the idea: change this first
    return {{"logits", linear(hilum::pooled(in))}};   // [N,1]
  }
  Named predict(const Named& out) override { return {{"probability", out.at("logits").sigmoid()}}; }
  Named loss(const Named& out, const Named& batch) override {
    const auto &x = out.at("logits"), &y = batch.at(target);  // y: NaN where nobody knows
    const auto known = y.isfinite().to(x.dtype());
    const auto sum =
        torch::binary_cross_entropy_with_logits(x, y.nan_to_num(), known, {}, at::Reduction::Sum);
    return {{"cross_entropy", sum / known.sum().clamp_min(1)}};
  }
  std::vector<hilum::Output> outputs() const override {
    return {{.kind = hilum::OutputKind::binary, .target = target}};
  }
  std::string target;
  torch::nn::Linear linear{nullptr};
};
}  // namespace

HILUM_PLUGIN(r) {  // name, version, what it does; then the paper it follows, if any
  r.add<Presence>("presence", "1.0", "one logit a sample: is it there?");
}
