// SPDX-License-Identifier: Apache-2.0
// binary_nodule: is there a nodule in this slice (or region)? Pooling and a linear layer to one
// logit.
#include <hilum/pooled_head.hpp>

namespace {
using hilum::Named;
using hilum::Tensor;
using hilum::Tensors;

struct BinaryNodule : hilum::PooledHead {
  struct Options {
    std::string pool = "avg", class_weight = "none";
    int64_t hidden = 0;
    double dropout = 0, threshold = 0.5;
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}
        .add("pool", &Options::pool, "a feature's mean or maximum over its voxels")
        .one_of({"avg", "max"})
        .add("hidden", &Options::hidden, "width of a layer with ReLU before the last; 0: none")
        .range(0, 65536)
        .add("dropout", &Options::dropout, "share of the last layer's inputs dropped in training")
        .range(0, 0.99)
        .add("class_weight", &Options::class_weight,
             "'balanced': a sample weighs N / (2 N_class), counted in its batch. (The target comes "
             "from each slice's mask: no column to count beforehand; see also data.sampler)")
        .one_of({"none", "balanced"})
        .add("threshold", &Options::threshold, "probability above which there is a nodule")
        .range(0, 1);
  }
  BinaryNodule(const Options& options, const hilum::Site& at)
      : PooledHead(at, options.hidden, 1, options.dropout, options.pool == "max"), opt(options) {}
  Named forward(const Tensors& in) override { return {{"logits", logits(features(in))}}; }
  Named predict(const Named& outputs) override {
    return {{"probability", outputs.at("logits").sigmoid()}};
  }
  Named loss(const Named& outputs, const Named& batch) override {
    const Tensor& y = batch.at("nodule_present");
    return {{"bce", torch::binary_cross_entropy_with_logits(outputs.at("logits"), y, weights(y))}};
  }
  // Half of the loss to each class: [N,1], or undefined for equal weights.
  Tensor weights(const Tensor& y) const {
    if (opt.class_weight == "none") return {};
    const double half = 0.5 * static_cast<double>(y.numel());
    return y * (half / y.sum().clamp_min(1)) + (1 - y) * (half / (1 - y).sum().clamp_min(1));
  }
  std::vector<hilum::Output> outputs() const override {
    return {{.kind = hilum::OutputKind::binary,
             .target = "nodule_present",
             .threshold = opt.threshold}};
  }
  Options opt;
};
}  // namespace

HILUM_PLUGIN(r) {
  r.add<BinaryNodule>("binary_nodule", "1.0", "is there a nodule: pooling and one logit, BCE",
                      "the classifier's end in Quant Imaging Med Surg 2025, "
                      "doi 10.21037/qims-2024-2511");
}
