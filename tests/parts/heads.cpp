// SPDX-License-Identifier: Apache-2.0
#include "parts.hpp"

namespace {
using hilum::Named;
using hilum::Output;
using hilum::OutputKind;
using hilum::Schema;
using hilum::Site;
using hilum::Tensor;
using hilum::Tensors;
namespace nn = torch::nn;

struct NoOptions {};

// [N,C,...] -> [N,C]: global average pooling; what is [N,C] already stays.
Tensor pooled(const Tensor& x) { return x.dim() > 2 ? x.flatten(2).mean(2) : x; }

int64_t features(const Site& at) { return hilum::channels(at.in); }

Tensor bce(const Named& outputs, const Tensor& truth) {
  return torch::binary_cross_entropy_with_logits(outputs.at("logits"), truth);
}

struct Sigmoid : hilum::Head {
  Named predict(const Named& outputs) override {
    return {{"probability", outputs.at("logits").sigmoid()}};
  }
};

struct Mask : Sigmoid {
  using Options = NoOptions;
  static Schema<Options> schema() { return {}; }
  Mask(const Options&, const Site& at)
      : conv(register_module("conv", hilum::Conv(at.dims(), at.in[0].channels(), 1,
                                                 hilum::ConvOptions{.kernel = 1}))) {}
  Named forward(const Tensors& in) override { return {{"logits", conv(in[0])}}; }
  Named loss(const Named& outputs, const Named& batch) override {
    return {{"bce", bce(outputs, batch.at("mask"))}};
  }
  std::vector<Output> outputs() const override { return {{}}; }
  hilum::Conv conv;
};

// Whether there is a nodule, from all features pooled; `hidden` is for other heads.
struct Nodule : Sigmoid {
  using Options = NoOptions;
  static Schema<Options> schema() { return {}; }
  Nodule(const Options&, const Site& at)
      : in(register_module("in", nn::Linear(features(at), 3))),
        out(register_module("out", nn::Linear(3, 1))) {}
  Named forward(const Tensors& given) override {
    Tensors all;
    for (const auto& t : given) all.push_back(pooled(t));
    const Tensor hidden = torch::tanh(in(torch::cat(all, 1)));
    return {{"hidden", hidden}, {"logits", out(hidden)}};
  }
  Named loss(const Named& outputs, const Named& batch) override {
    return {{"bce", bce(outputs, batch.at("nodule_present"))}};
  }
  std::vector<Output> outputs() const override {
    return {{.kind = OutputKind::binary, .target = "nodule_present"}};
  }
  nn::Linear in, out;
};

// A second opinion: reads other heads' outputs ("nodule.hidden"), features, or both.
struct Reader : Nodule {
  using Nodule::Nodule;
};

// A number, learned as its difference from the training set's mean; NaN is unknown.
struct Rating : hilum::Head {
  using Options = NoOptions;
  static Schema<Options> schema() { return {}; }
  Rating(const Options&, const Site& at)
      : out(register_module("out", nn::Linear(features(at), 1))),
        center(register_buffer("center", torch::zeros({}))) {}
  Named forward(const Tensors& in) override { return {{"logits", out(pooled(in[0]))}}; }
  Named predict(const Named& outputs) override {
    return {{"probability", outputs.at("logits") + center}};
  }
  Named loss(const Named& outputs, const Named& batch) override {
    const Tensor& y = batch.at("rating");
    const Tensor known = y.isnan().logical_not();
    const Tensor value = outputs.at("probability");
    const Tensor error = value - torch::where(known, y, value.detach());
    return {{"mse", error.square().sum() / known.sum().clamp_min(1)}};
  }
  std::vector<Output> outputs() const override {
    return {{.kind = OutputKind::regression, .target = "rating"}};
  }
  void see_targets(const Named& columns) override {
    center.copy_(torch::nanmean(columns.at("rating")));
  }
  nn::Linear out;
  Tensor center;
};

// Learns nothing: nodule is where the feature is above `level`. Perfect or empty by choice of data.
struct Threshold : Sigmoid {
  struct Options {
    double level = 0.5;
  };
  static Schema<Options> schema() {
    return Schema<Options>{}.add("level", &Options::level, "above it is nodule");
  }
  Threshold(const Options& o, const Site&) : level(o.level) {}
  Named forward(const Tensors& in) override {
    return {{"logits", 20 * (in[0].mean(1, true) - level)}};
  }
  Named loss(const Named& outputs, const Named& batch) override {
    return {{"bce", bce(outputs, batch.at("mask"))}};
  }
  std::vector<Output> outputs() const override { return {{}}; }
  double level;
};
}  // namespace

void test_parts::add_heads(hilum::Registrar& r) {
  r.add<Mask>("test_mask", "1.0", "one logit a voxel");
  r.add<Nodule>("test_nodule", "1.0", "is there a nodule");
  r.add<Reader>("test_reader", "1.0", "reads other heads");
  r.add<Rating>("test_rating", "1.0", "a number, NaN where unknown");
  r.add<Threshold>("test_threshold", "1.0", "above a level is nodule");
}
