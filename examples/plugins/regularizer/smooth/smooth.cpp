// SPDX-License-Identifier: Apache-2.0
// smooth: steps towards the neighbours' mean; half as far where the guide is sure of a nodule.
#include <hilum/nn.hpp>

namespace {
using hilum::Tensor;

struct Smooth : hilum::Regularizer {
  struct Options {  // what an experiment may set; the initialisers are the defaults
    int64_t iterations = 3;
    double amount = 0.3;
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}
        .add("iterations", &Options::iterations, "steps")
        .range(1, 100)
        .add("amount", &Options::amount, "share of the way in a step, before training")
        .range(0.01, 0.99);
  }
  Smooth(const Options& options, const hilum::Site&) : iterations(options.iterations) {
    raw = parameter("raw", torch::full({1}, options.amount).logit(), 10);  // learns 10 times faster
  }
  Tensor forward(const Tensor& logits, const Tensor& guide) override {  // change this first
    Tensor amount = raw.sigmoid(), z = logits;
    log("amount", amount.mean());  // in the run store, epoch by epoch
    if (guide.defined())           // [N,1], brought beside logits [N,K,...]
      amount = amount * (1 - guide.view(at::IntArrayRef{-1, 1, 1, 1, 1}.slice(0, z.dim())) / 2);
    const auto mean = z.dim() == 4 ? torch::avg_pool2d : torch::avg_pool3d;  // of what is inside
    for (int64_t i = 0; i < iterations; ++i)
      z = z + amount * (mean(z, 3, 1, 1, false, false, {}) - z);
    return z;
  }
  int64_t iterations;
  Tensor raw;
};
}  // namespace

HILUM_PLUGIN(r) {  // name, version, what it does; then the paper it follows, if any
  r.add<Smooth>("smooth", "1.0", "learned steps to the neighbours' mean");
}
