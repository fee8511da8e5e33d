// SPDX-License-Identifier: Apache-2.0
// gated: what is mixed in passes a gate that both features open together.
#include <hilum/nn.hpp>

namespace {
using hilum::Tensor;

struct Gated : hilum::Fusion {
  struct Options {  // what an experiment may set; the initialisers are the defaults
    bool per_channel = true;
    double start = -2;
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}
        .add("per_channel", &Options::per_channel, "a gate for each channel, or one for all")
        .add("start", &Options::start, "the gate's logit before training: 0 is half open")
        .range(-10, 10);
  }
  Gated(const Options& options, const hilum::Site& at) {  // the layers, from measured shapes
    const int64_t own = at.in[0].channels(), all = hilum::channels(at.in);
    const hilum::ConvOptions point{.kernel = 1};
    const int64_t gates = options.per_channel ? own : 1;
    gate = register_module("gate", hilum::Conv(at.dims(), all, gates, point));
    mix = register_module("mix", hilum::Conv(at.dims(), all - own, own, point));
    torch::nn::init::zeros_(gate->weight), torch::nn::init::constant_(gate->bias, options.start);
  }
  Tensor forward(const hilum::Tensors& in) override {  // the idea: change this first
    hilum::Tensors others;
    for (size_t i = 1; i < in.size(); ++i) others.push_back(hilum::resample_like(in[i], in[0]));
    const Tensor other = torch::cat(others, 1);
    return in[0] + gate(torch::cat({in[0], other}, 1)).sigmoid() * mix(other);
  }
  bool any_size() const override { return true; }  // forward brings the sizes together
  hilum::Conv gate{nullptr}, mix{nullptr};
};
}  // namespace

HILUM_PLUGIN(r) {  // name, version, what it does; then the paper it follows, if any
  r.add<Gated>("gated", "1.0", "sum through a learned gate");
}
