// SPDX-License-Identifier: Apache-2.0
// resunet: ResU-Net, a U-Net of pre-activation residual units that narrows by stride. S1 … S5 down,
// S6 … S9 up.
#include <hilum/blocks.hpp>

namespace {
using hilum::Tensor;

struct Options {
  int64_t width = 64, depth = 5, in_channels = 0;
  std::string shortcut = "1x1", up = "bilinear";
  bool separable = false, aspp = false, aspp_apart = false;
  std::vector<int64_t> aspp_rates{1, 5, 10, 15};

  // S1 … S<depth> are on levels 0 … depth - 1.
  int64_t channels(int64_t level) const { return width << level; }
  hilum::ResidualOptions unit(int64_t level, bool encoder) const {
    return {.stride = encoder && level > 0 ? 2 : 1,
            .first = encoder && level == 0,
            .separable = separable && encoder && level > 0,
            .shortcut = shortcut == "3x3" ? 3 : 1};
  }
};

// A residual unit, with an ASPP at its end where the network has one.
struct Unit : hilum::ResidualUnitImpl {
  Unit(const hilum::Site& at, int64_t in, int64_t level, bool encoder, bool pyramid,
       const Options& opt)
      : ResidualUnitImpl(at.dims(), in, opt.channels(level), opt.unit(level, encoder)) {
    if (!pyramid) return;
    const int64_t width = opt.channels(level);
    aspp = register_module(
        "aspp", hilum::ASPP(at.dims(), width, width, hilum::AsppOptions{.rates = opt.aspp_rates}));
  }
  Tensor finished(const Tensor& x) {
    const Tensor y = ResidualUnitImpl::forward(x);
    return aspp.is_empty() ? y : aspp(y);
  }
  hilum::ASPP aspp{nullptr};
};

struct Down : Unit {
  Down(const hilum::Site& at, int64_t level, const Options& opt)
      : Unit(at, hilum::channels(at.in), level, true,
             opt.aspp && !opt.aspp_apart && level == opt.depth - 1, opt) {
    if (level == 0 && opt.in_channels && opt.in_channels != at.in[0].channels())
      throw hilum::Error("option 'in_channels' is " + std::to_string(opt.in_channels) +
                         ", but the image has " + std::to_string(at.in[0].channels()) +
                         " channels (data.channels)");
  }
  Tensor forward(const Tensor& x) { return finished(x); }
};

// x from below at the skip's size, then the skip: the published order. A transposed convolution
// keeps x's channels.
struct Up : Unit {
  Up(const hilum::Site& at, int64_t level, const Options& opt)
      : Unit(at, hilum::channels(at.in), level, false, opt.aspp && level == 0, opt) {
    const int64_t below = at.in[0].channels();
    if (opt.up == "transposed") up = register_module("up", hilum::UpConv(at.dims(), below, below));
  }
  Tensor forward(const Tensor& x, const Tensor& skip) { return finished(joined(x, skip)); }
  Tensor joined(const Tensor& x, const Tensor& skip) {
    return hilum::join(skip, up.is_empty() ? x : up(x), {.skip_last = true});
  }
  hilum::UpConv up{nullptr};
};

struct Pyramid : hilum::ASPPImpl {
  Pyramid(const hilum::Site& at, const Options& opt)
      : ASPPImpl(at.dims(), hilum::channels(at.in), opt.channels(opt.depth - 1),
                 hilum::AsppOptions{.rates = opt.aspp_rates}) {}
};

struct ResUNet {
  using Options = ::Options;
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}
        .add("width", &Options::width, "channels of S1, doubled at each level")
        .range(1, 1024)
        .add("depth", &Options::depth,
             "levels; the stages are S1 to S(2·depth−1). Zhang et al. have 4")
        .range(2, 7)
        .add("in_channels", &Options::in_channels, "channels of the image; 0: as the data has")
        .range(0, 64)
        .add("shortcut", &Options::shortcut,
             "convolution of the shortcuts, batch norm follows; the paper's is 1x1, a PyTorch "
             "port's "
             "3x3")
        .one_of({"1x1", "3x3"})
        .add("up", &Options::up,
             "how the decoder doubles the size: the paper does not say; a transposed convolution "
             "keeps the channels")
        .one_of({"bilinear", "transposed"})
        .add("separable", &Options::separable,
             "the stride-2 convolution of each encoder stage is depthwise-separable (QIMS 2025)")
        .add("aspp", &Options::aspp,
             "ASPP at the end of S<depth> and of S(2·depth−1) (QIMS 2025); a fusion at S<depth> "
             "replaces what the ASPP gave")
        .add("aspp_apart", &Options::aspp_apart,
             "the encoder's ASPP is a stage 'aspp' of its own after S<depth>, so that a fusion at "
             "S<depth> comes before it")
        .add("aspp_rates", &Options::aspp_rates, "dilations of the ASPP's branches", "voxels")
        .range(1, 64)
        .rule([](const Options& o) { return !o.aspp_rates.empty(); },
              "option 'aspp_rates' is empty, expected at least one dilation; aspp = false is the "
              "network without ASPP")
        .rule([](const Options& o) { return o.aspp || !o.aspp_apart; },
              "option 'aspp_apart' is true, but there is no ASPP; set aspp = true");
  }
  static void build(const Options& opt, hilum::Graph& g) {
    int64_t number = 0;
    const auto name = [&] { return "S" + std::to_string(++number); };
    std::vector<hilum::Ref> down{g.input()};
    for (int64_t i = 0; i < opt.depth; ++i)
      down.push_back(g.stage<Down>(name(), {down.back()}, i, opt));
    hilum::Ref x = opt.aspp_apart ? g.stage<Pyramid>("aspp", {down.back()}, opt) : down.back();
    for (int64_t i = opt.depth - 1; i > 0; --i)
      x = g.stage<Up>(name(), {x, down[static_cast<size_t>(i)]}, i - 1, opt);
  }
};
}  // namespace

HILUM_PLUGIN(r) {
  r.add<ResUNet>("resunet", "1.0", "ResU-Net of pre-activation residual units, 2D or 3D",
                 "Zhang, Liu, Wang, IEEE GRSL 2018, arXiv 1711.10684");
}
