// SPDX-License-Identifier: Apache-2.0
// segmentation: a 1x1 convolution to one logit a voxel; cross-entropy, Dice, focal or Tversky loss.
#include <hilum/nn.hpp>

namespace {
using hilum::Named;
using hilum::Tensor;

struct Segmentation : hilum::Head {
  struct Options {
    std::string loss = "bce_dice";
    double smooth = 1, threshold = 0.5;
    std::string reduce = "batch", upsample = "bilinear";
    double gamma = 2, alpha = 0, miss = 0.7;
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}
        .add("loss", &Options::loss, "loss terms, each of weight 1")
        .one_of({"bce_dice", "bce", "dice", "focal", "tversky"})
        .add("smooth", &Options::smooth, "added to both sides of the Dice and Tversky ratios")
        .range(0, 1000)
        .add("reduce", &Options::reduce, "these over the whole batch, or the mean over samples")
        .one_of({"batch", "sample"})
        .add("gamma", &Options::gamma, "of 'focal': how much sure voxels lose weight; 0: not")
        .range(0, 10)
        .add("alpha", &Options::alpha,
             "of 'focal': weight of nodule voxels, the others weigh 1 - alpha; 0: all weigh 1")
        .range(0, 1)
        .add("miss", &Options::miss,
             "of 'tversky': weight of missed voxels, false alarms weigh 1 - miss; 0.5 is Dice")
        .range(0, 1)
        .add("upsample", &Options::upsample,
             "logits of a smaller feature are brought to the image's size: 'bilinear' (trilinear "
             "in 3D), 'corners' (the same with corners aligned) or not at all")
        .one_of({"bilinear", "corners", "none"})
        .add("threshold", &Options::threshold, "probability above which a voxel is nodule")
        .range(0, 1);
  }
  Segmentation(const Options& options, const hilum::Site& at) : opt(options), count(at.in.size()) {
    for (const auto& shape : at.in)
      if (shape.size() != at.image.size() || !same_size(shape, at.in[0]))
        throw hilum::Error(
            "a segmentation head reads features [N,C,...] of one spatial size, side by side; " +
                std::to_string(count) +
                " inputs of different sizes were given. Put a fusion that "
                "changes sizes between the stages and read one of them.",
            hilum::Fault::request);
    smaller = !same_size(at.in[0], at.image);
    conv = register_module(
        "conv", hilum::Conv(at.dims(), hilum::channels(at.in), 1, hilum::ConvOptions{.kernel = 1}));
  }
  static bool same_size(const hilum::Shape& a, const hilum::Shape& b) {
    return std::equal(a.begin() + 2, a.end(), b.begin() + 2, b.end());
  }
  bool reads_image() const override { return smaller && opt.upsample != "none"; }
  Named forward(const hilum::Tensors& in) override {
    const Tensor z = conv(count == 1 ? in[0] : torch::cat(at::TensorList(in).slice(0, count), 1));
    // Alone, without an image, there is nothing to be as large as.
    if (!reads_image() || in.size() == count) return {{"logits", z}};
    return {{"logits", hilum::resample_like(z, in[count], opt.upsample == "corners")}};
  }
  Named predict(const Named& outputs) override {
    return {{"probability", outputs.at("logits").sigmoid()}};
  }
  Named loss(const Named& outputs, const Named& batch) override {
    const Tensor& z = outputs.at("logits");
    const Tensor& y = batch.at("mask");
    Named terms;
    if (opt.loss == "focal") return {{"focal", focal(z, y)}};
    if (opt.loss == "tversky") return {{"tversky", tversky(z.sigmoid(), y)}};
    if (opt.loss != "dice") terms["bce"] = torch::binary_cross_entropy_with_logits(z, y);
    if (opt.loss != "bce") terms["dice"] = dice(z.sigmoid(), y);
    return terms;
  }
  // [] or [N]
  Tensor sum(const Tensor& t) const {
    return opt.reduce == "batch" ? t.sum() : t.flatten(1).sum(1);
  }
  // 1 − (2 Σpy + s) / (Σp + Σy + s); p, y [N,1,...]. The bound matters only where s = 0.
  Tensor dice(const Tensor& p, const Tensor& y) const {
    const Tensor both = 2 * sum(p * y) + opt.smooth;
    return (1 - both / (sum(p) + sum(y) + opt.smooth).clamp_min(kLeast)).mean();
  }
  // 1 − (Σpy + s) / (Σpy + (1−m) Σp(1−y) + m Σ(1−p)y + s)
  Tensor tversky(const Tensor& p, const Tensor& y) const {
    const Tensor hit = sum(p * y);
    const Tensor wrong = (1 - opt.miss) * sum(p * (1 - y)) + opt.miss * sum((1 - p) * y);
    return (1 - (hit + opt.smooth) / (hit + wrong + opt.smooth).clamp_min(kLeast)).mean();
  }
  // (1 − p_true)^γ · BCE, the power taken in logarithms: finite gradients where p is 0 or 1.
  Tensor focal(const Tensor& z, const Tensor& y) const {
    const Tensor bce = torch::binary_cross_entropy_with_logits(z, y, {}, {}, at::Reduction::None);
    const Tensor voxels = bce * (opt.gamma * torch::log_sigmoid(z * (1 - 2 * y))).exp();
    if (opt.alpha == 0) return voxels.mean();
    return (voxels * (opt.alpha * y + (1 - opt.alpha) * (1 - y))).mean();
  }
  std::vector<hilum::Output> outputs() const override {
    return {{.kind = hilum::OutputKind::mask, .target = "mask", .threshold = opt.threshold}};
  }
  static constexpr double kLeast = 1e-7;
  Options opt;
  size_t count;
  bool smaller = false;
  hilum::Conv conv{nullptr};
};
}  // namespace

HILUM_PLUGIN(r) {
  r.add<Segmentation>("segmentation", "1.1", "one logit a voxel: BCE, Dice, both, focal or Tversky",
                      "Dice: Milletari et al. 2016 (3DV); focal: Lin et al. 2017 (ICCV); "
                      "Tversky: Salehi et al. 2017 (MLMI)");
}
