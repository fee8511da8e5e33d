// SPDX-License-Identifier: Apache-2.0
// attribute: any number of named ratings from one hidden layer, as classes, levels or numbers.
#include <hilum/pooled_head.hpp>

#include <set>

namespace {
using hilum::Named;
using hilum::Output;
using hilum::OutputKind;
using hilum::Tensor;
using hilum::Tensors;

struct Attribute : hilum::PooledHead {
  struct Options {
    hilum::Strings attributes{"subtlety",   "calcification", "sphericity", "margin",
                              "lobulation", "spiculation",   "texture"};
    std::string mode = "binary";
    std::vector<double> thresholds{3.5};
    int64_t levels = 5;
    std::string loss = "smooth_l1", pool = "avg";
    int64_t hidden = 256;
    double dropout = 0, threshold = 0.5;
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}
        .add("attributes", &Options::attributes, "columns of the data set, mean ratings")
        .add("mode", &Options::mode,
             "'binary': above its threshold or not; 'ordinal': which of the levels (CORAL); "
             "'regression': the rating itself")
        .one_of({"binary", "ordinal", "regression"})
        .add("thresholds", &Options::thresholds,
             "of 'binary': one for all attributes or one for each; a rating above it is 1. LIDC's "
             "calcification of 6 means absent: 5.5 asks for that. For a column of 0 and 1: 0.5",
             "rating")
        .add("levels", &Options::levels,
             "of 'ordinal': levels are 1 to this, means are rounded (halves to even) and what is "
             "above counts as the highest. LIDC's calcification has 6")
        .range(2, 100)
        .add("loss", &Options::loss, "of 'regression'")
        .one_of({"smooth_l1", "l1", "l2"})
        .add("pool", &Options::pool, "a feature's mean or maximum over its voxels")
        .one_of({"avg", "max"})
        .add("hidden", &Options::hidden,
             "width of the layer with ReLU that all attributes share; 0: none. Other heads read it "
             "as NAME.hidden")
        .range(0, 65536)
        .add("dropout", &Options::dropout, "share of the last layer's inputs dropped in training")
        .range(0, 0.99)
        .add("threshold", &Options::threshold, "of 'binary': probability above which it is 1")
        .range(0, 1)
        .rule(
            [](const Options& o) {
              return !o.attributes.empty() &&
                     std::set(o.attributes.begin(), o.attributes.end()).size() ==
                         o.attributes.size();
            },
            "'attributes' must name at least one column, and none twice")
        .rule(
            [](const Options& o) {
              return o.thresholds.size() == 1 || o.thresholds.size() == o.attributes.size();
            },
            "'thresholds' must have one value, or one for each of 'attributes'");
  }
  Attribute(const Options& options, const hilum::Site& at)
      : PooledHead(at, options.hidden, std::ssize(options.attributes), options.dropout,
                   options.pool == "max", options.mode != "ordinal"),
        opt(options),
        count(std::ssize(opt.attributes)) {
    if (opt.mode == "ordinal") {  // P(rating > 1) is likelier than P(rating > 2), ...
      const Tensor falling = torch::linspace(1, -1, steps() + 2).slice(0, 1, -1);
      bias = register_parameter("bias", falling.repeat({count, 1}).contiguous());
    }
    if (opt.mode == "regression") center = register_buffer("center", torch::zeros({count}));
  }
  int64_t steps() const { return opt.levels - 1; }

  // "hidden" [N,F]; "logits" [N,A], the ordinal ones [N,A (levels-1)]; and each attribute's own.
  Named forward(const Tensors& in) override {
    const Tensor h = features(in);
    Tensor z = logits(h);
    if (bias.defined()) z = (z.unsqueeze(2) + bias).flatten(1);
    Named named{{"hidden", h}, {"logits", z}};
    for (int64_t i = 0; i < count; ++i) named[name(i) + "_logits"] = own(z, i);
    return named;
  }
  const std::string& name(int64_t i) const { return opt.attributes[static_cast<size_t>(i)]; }
  Tensor own(const Tensor& z, int64_t i) const {
    const int64_t width = bias.defined() ? steps() : 1;
    return z.narrow(1, i * width, width);
  }
  // [N,1]: a probability, an expected level in [1, levels], or a rating.
  Tensor value(const Tensor& z, int64_t i) const {
    if (opt.mode == "binary") return z.sigmoid();
    return opt.mode == "ordinal" ? 1 + z.sigmoid().sum(1, true) : z + center[i];
  }
  Named predict(const Named& outputs) override {
    Named named;
    for (int64_t i = 0; i < count; ++i)
      named[name(i) + "_probability"] = value(own(outputs.at("logits"), i), i);
    return named;
  }
  // What an attribute is compared with, [N,1]; NaN stays NaN.
  Tensor target(int64_t i, const Named& batch) const {
    const Tensor& y = batch.at(name(i));
    if (opt.mode == "regression") return y;
    if (opt.mode == "ordinal") return y.round().clamp(1, static_cast<double>(opt.levels));
    const double limit = opt.thresholds[opt.thresholds.size() == 1 ? 0 : static_cast<size_t>(i)];
    return y.gt(limit).to(y.scalar_type()).masked_fill(y.isnan(), NAN);
  }
  Tensor truth(const Output& output, const Named& batch) const override {
    const auto at = std::find(opt.attributes.begin(), opt.attributes.end(), output.target);
    return target(at - opt.attributes.begin(), batch);
  }
  // One term an attribute: the mean over the samples whose rating is known.
  Named loss(const Named& outputs, const Named& batch) override {
    Named terms;
    for (int64_t i = 0; i < count; ++i) {
      const Tensor y = target(i, batch), known = y.isnan().logical_not();
      const Tensor each = losses(own(outputs.at("logits"), i), y.nan_to_num(0), i);
      terms[name(i)] = (each * known).sum() / known.sum().clamp_min(1);
    }
    return terms;
  }
  // [N,1] or, for levels, [N,levels-1]: is the rating above 1, above 2, ...
  Tensor losses(const Tensor& z, const Tensor& y, int64_t i) const {
    constexpr auto each = at::Reduction::None;
    if (opt.mode == "regression") {
      const Tensor x = value(z, i);
      return opt.loss == "l1"   ? torch::l1_loss(x, y, each)
             : opt.loss == "l2" ? torch::mse_loss(x, y, each)
                                : torch::smooth_l1_loss(x, y, each);
    }
    const Tensor above =
        opt.mode == "binary" ? y : y.gt(torch::arange(1, opt.levels, y.options())).to(y.options());
    return torch::binary_cross_entropy_with_logits(z, above, {}, {}, each);
  }
  std::vector<Output> outputs() const override {
    std::vector<Output> all;
    for (const auto& a : opt.attributes)
      all.push_back({.kind = opt.mode == "binary"    ? OutputKind::binary
                             : opt.mode == "ordinal" ? OutputKind::ordinal
                                                     : OutputKind::regression,
                     .target = a,
                     .logits = a + "_logits",
                     .probability = a + "_probability",
                     .threshold = opt.threshold});
    return all;
  }
  // A regression learns the difference from the training set's mean.
  void see_targets(const Named& columns) override {
    if (!center.defined()) return;
    const torch::NoGradGuard no_grad;
    for (int64_t i = 0; i < count; ++i)
      center[i].copy_(torch::nanmean(columns.at(name(i))).nan_to_num(0));
  }
  Options opt;
  int64_t count;
  Tensor bias, center;
};
}  // namespace

HILUM_PLUGIN(r) {
  r.add<Attribute>("attribute", "1.0", "named ratings of a nodule: classes, levels or numbers",
                   "Chen et al., ICPR 2020 (binary); levels: Cao, Mirjalili, Raschka, Rank "
                   "consistent ordinal regression (CORAL), Pattern Recognition Letters 2020");
}
