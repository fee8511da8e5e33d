// SPDX-License-Identifier: Apache-2.0
// malignancy: benign or malignant, from features and other heads' outputs; BCE or L1 on the
// sigmoid.
#include <hilum/pooled_head.hpp>

namespace {
using hilum::Named;
using hilum::Tensor;
using hilum::Tensors;
const char* const kTarget = "malignancy";

struct Malignancy : hilum::PooledHead {
  struct Options {
    std::string loss = "bce", labels = "hard", pool = "avg";
    int64_t hidden = 0;
    double dropout = 0, threshold = 0.5;
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}
        .add("loss", &Options::loss, "cross-entropy, or |label - probability|")
        .one_of({"bce", "l1"})
        .add("labels", &Options::labels,
             "'hard': 0 or 1, as data.malignancy makes them of mean ratings; 'soft': (mean rating "
             "- 1) / 4, which needs data.malignancy = \"raw\"")
        .one_of({"hard", "soft"})
        .add("pool", &Options::pool, "a feature's mean or maximum over its voxels")
        .one_of({"avg", "max"})
        .add("hidden", &Options::hidden, "width of a layer with ReLU before the last; 0: none")
        .range(0, 65536)
        .add("dropout", &Options::dropout, "share of the last layer's inputs dropped in training")
        .range(0, 0.99)
        .add("threshold", &Options::threshold, "probability above which a nodule is malignant")
        .range(0, 1);
  }
  Malignancy(const Options& options, const hilum::Site& at)
      : PooledHead(at, options.hidden, 1, options.dropout, options.pool == "max"), opt(options) {}
  Named forward(const Tensors& in) override { return {{"logits", logits(features(in))}}; }
  Named predict(const Named& outputs) override {
    return {{"probability", outputs.at("logits").sigmoid()}};
  }
  // The mean over the samples whose label is known.
  Named loss(const Named& outputs, const Named& batch) override {
    if (!mismatch.empty()) throw hilum::Error(mismatch, hilum::Fault::request);
    const Tensor& z = outputs.at("logits");
    const Tensor& given = batch.at(kTarget);
    const Tensor known = given.isnan().logical_not();
    const Tensor rating = torch::where(known, given, torch::ones_like(given));
    const Tensor y = opt.labels == "soft" ? (rating - 1) / 4 : rating;
    const Tensor each = opt.loss == "l1" ? (y - z.sigmoid()).abs()
                                         : torch::binary_cross_entropy_with_logits(
                                               z, y, {}, {}, at::Reduction::None);
    return {{opt.loss, (each * known).sum() / known.sum().clamp_min(1)}};
  }
  std::vector<hilum::Output> outputs() const override {
    return {{.kind = hilum::OutputKind::binary, .target = kTarget, .threshold = opt.threshold}};
  }
  // A mean rating of 3 is neither benign nor malignant.
  Tensor truth(const hilum::Output&, const Named& batch) const override {
    const Tensor& y = batch.at(kTarget);
    return opt.labels == "hard" ? y
                                : y.gt(3).to(y.scalar_type()).masked_fill(y.eq(3) | y.isnan(), NAN);
  }
  // Ratings where labels are expected, or the other way round, would train towards nonsense. Kept
  // for the first loss: whoever only looks at the model or predicts may have any column.
  void see_targets(const Named& columns) override {
    const Tensor all = columns.at(kTarget);
    const Tensor y = all.masked_select(all.isnan().logical_not());
    const bool hard = opt.labels == "hard";
    const Tensor odd =
        hard ? y.masked_select(y.ne(0) & y.ne(1)) : y.masked_select(y.lt(1) | y.gt(5));
    mismatch.clear();
    if (odd.numel() == 0) return;
    mismatch = "head 'malignancy': labels = \"" + opt.labels +
               "\", but the column 'malignancy' has the value " +
               hilum::to_text(odd[0].item<double>()) +
               (hard ? ", allowed 0 and 1. Set data.malignancy to \"drop3\", \"benign3\" or "
                       "\"malignant3\", or labels = \"soft\" for mean ratings."
                     : ", allowed mean ratings in [1, 5]. Set data.malignancy = \"raw\", or labels "
                       "= \"hard\" for labels that are 0 or 1.");
  }
  Options opt;
  std::string mismatch;
};
}  // namespace

HILUM_PLUGIN(r) {
  r.add<Malignancy>("malignancy", "1.0", "benign or malignant: one logit, BCE or L1, soft labels",
                    "Chen et al., End-to-End Multi-Task Learning for Lung Nodule Segmentation and "
                    "Diagnosis, ICPR 2020");
}
