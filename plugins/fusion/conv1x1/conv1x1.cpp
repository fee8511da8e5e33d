// SPDX-License-Identifier: Apache-2.0
// conv1x1: the feature combination block of the detection-guided model. What the giver sees is
// turned into the receiver's language by a 1x1, joined, reduced, and mixed in space.
#include <hilum/blocks.hpp>

namespace {
using hilum::Tensor;

// in = {receiver [N,R,...], giver [N,G,...]}, out [N,R,...]:
//   t   = transform(giver)             1x1, G -> G
//   m   = merge(cat(t, receiver))      1x1, G + R -> R
//   out = separable(m)                 3x3 for each channel without bias, then 1x1, R -> R
// With `norm` and `activation`, batch norm and ReLU follow each of the three.
struct Conv1x1 : hilum::Fusion {
  struct Options {
    bool norm = false;
    std::string activation = "none";
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}
        .add("norm", &Options::norm,
             "batch norm after each of the three convolutions, which then have no bias; the paper "
             "names none and does not rule it out")
        .add("activation", &Options::activation,
             "after each of the three convolutions; the paper names none and does not rule it out")
        .one_of({"none", "relu"});
  }
  Conv1x1(const Options& options, const hilum::Site& at) : opt(options) {
    if (at.in.size() != 2)
      throw hilum::Error(
          "conv1x1 joins exactly two features, and " + std::to_string(at.in.size()) +
              " are given. Connect pairs, connect = [[giver, receiver], ...], or take a fusion of "
              "any number, such as concat or nddr",
          hilum::Fault::request);
    const int64_t receiver = at.in[0].channels(), giver = at.in[1].channels(), dims = at.dims();
    const hilum::ConvOptions one{.kernel = 1, .bias = !opt.norm}, three{.bias = !opt.norm};
    transform = register_module("transform", hilum::Conv(dims, giver, giver, one));
    merge = register_module("merge", hilum::Conv(dims, giver + receiver, receiver, one));
    separable = register_module("separable", hilum::SeparableConv(dims, receiver, receiver, three));
    if (!opt.norm) return;
    transform_norm = register_module("transform_norm", hilum::Norm(giver));
    merge_norm = register_module("merge_norm", hilum::Norm(receiver));
    separable_norm = register_module("separable_norm", hilum::Norm(receiver));
  }
  Tensor forward(const hilum::Tensors& in) override {
    const Tensor giver = finished(transform(in[1]), transform_norm);
    const Tensor merged = finished(merge(torch::cat({giver, in[0]}, 1)), merge_norm);
    return finished(separable(merged), separable_norm);
  }
  Tensor finished(const Tensor& x, hilum::Norm& norm) const {
    const bool relu = opt.activation == "relu";
    if (norm.is_empty()) return relu ? x.relu() : x;
    return relu ? norm->relu(x) : norm(x);
  }
  Options opt;
  hilum::Conv transform{nullptr}, merge{nullptr};
  hilum::SeparableConv separable{nullptr};
  hilum::Norm transform_norm{nullptr}, merge_norm{nullptr}, separable_norm{nullptr};
};
}  // namespace

HILUM_PLUGIN(r) {
  r.add<Conv1x1>("conv1x1", "1.0", "feature combination block: 1x1, concat, 1x1, separable 3x3",
                 "Zhang et al., Quant. Imaging Med. Surg. 2025, fig. 3; arXiv 2410.20154");
}
