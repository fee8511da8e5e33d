// SPDX-License-Identifier: Apache-2.0
// upsample_concat: features of any size, resampled to the receiver's and joined. The way that the
// detection-guided model avoids, since replicating or interpolating adds nothing and may lose; here
// to compare with.
#include <hilum/nn.hpp>

namespace {
using hilum::Tensor;

// a [N,A,h,w], b [N,B,h',w'], ... -> cat(a, resampled b, ...) [N,A+B+...,h,w]; with `reduce` a 1x1
// back to [N,A,h,w].
struct UpsampleConcat : hilum::Fusion {
  struct Options {
    std::string mode = "linear";
    bool reduce = true;
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}
        .add("mode", &Options::mode, "how a feature of another size is resampled")
        .one_of({"linear", "nearest"})
        .add("reduce", &Options::reduce,
             "a 1x1 convolution back to the receiver's channels; without it what follows grows");
  }
  UpsampleConcat(const Options& options, const hilum::Site& at)
      : nearest(options.mode == "nearest") {
    if (at.in.size() < 2)
      throw hilum::Error(
          "upsample_concat joins two or more features, and only one is given. Connect another one "
          "to it, connect = [[giver, receiver]]",
          hilum::Fault::request);
    if (options.reduce)
      conv = register_module("conv",
                             hilum::Conv(at.dims(), hilum::channels(at.in), at.in[0].channels(),
                                         hilum::ConvOptions{.kernel = 1}));
  }
  bool any_size() const override { return true; }
  Tensor forward(const hilum::Tensors& in) override {
    hilum::Tensors all{in[0]};
    for (size_t i = 1; i < in.size(); ++i)
      all.push_back(nearest ? hilum::repeat_like(in[i], in[0])
                            : hilum::resample_like(in[i], in[0]));
    const Tensor joined = torch::cat(all, 1);
    return conv.is_empty() ? joined : conv(joined);
  }
  bool nearest;
  hilum::Conv conv{nullptr};
};
}  // namespace

HILUM_PLUGIN(r) {
  r.add<UpsampleConcat>("upsample_concat", "1.0", "features resampled to one size, then joined",
                        "the way that Zhang et al., arXiv 2410.20154, argue against");
}
