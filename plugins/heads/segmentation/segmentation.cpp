// SPDX-License-Identifier: Apache-2.0
// segmentation: a 1x1 convolution to one logit a voxel; binary cross-entropy and Dice loss.
#include <hilum/nn.hpp>

namespace {
using hilum::Named;
using hilum::Tensor;

struct Segmentation : hilum::Head {
  struct Options {
    std::string loss = "bce_dice";
    double smooth = 1, threshold = 0.5;
    std::string reduce = "batch";
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}
        .add("loss", &Options::loss, "loss terms, each of weight 1")
        .one_of({"bce_dice", "bce", "dice"})
        .add("smooth", &Options::smooth, "added to both sides of the Dice ratio")
        .range(0, 1000)
        .add("reduce", &Options::reduce, "Dice over the whole batch, or the mean over samples")
        .one_of({"batch", "sample"})
        .add("threshold", &Options::threshold, "probability above which a voxel is nodule")
        .range(0, 1);
  }
  Segmentation(const Options& options, const hilum::Site& at) : opt(options) {
    conv = register_module(
        "conv", hilum::Conv(at.dims(), at.in[0].channels(), 1, hilum::ConvOptions{.kernel = 1}));
  }
  Named forward(const hilum::Tensors& in) override { return {{"logits", conv(in[0])}}; }
  Named predict(const Named& outputs) override {
    return {{"probability", outputs.at("logits").sigmoid()}};
  }
  Named loss(const Named& outputs, const Named& batch) override {
    const Tensor& z = outputs.at("logits");
    const Tensor& y = batch.at("mask");
    Named terms;
    if (opt.loss != "dice") terms["bce"] = torch::binary_cross_entropy_with_logits(z, y);
    if (opt.loss != "bce") terms["dice"] = dice(z.sigmoid(), y);
    return terms;
  }
  // 1 − (2 Σpy + s) / (Σp + Σy + s); p, y [N,1,...]
  Tensor dice(const Tensor& p, const Tensor& y) const {
    const auto sum = [&](const Tensor& t) {
      return opt.reduce == "batch" ? t.sum() : t.flatten(1).sum(1);
    };
    return (1 - (2 * sum(p * y) + opt.smooth) / (sum(p) + sum(y) + opt.smooth)).mean();
  }
  std::vector<hilum::Output> outputs() const override {
    return {{.kind = hilum::OutputKind::mask, .target = "mask", .threshold = opt.threshold}};
  }
  Options opt;
  hilum::Conv conv{nullptr};
};
}  // namespace

HILUM_PLUGIN(r) {
  r.add<Segmentation>("segmentation", "1.0", "one logit a voxel: BCE, Dice or both");
}
