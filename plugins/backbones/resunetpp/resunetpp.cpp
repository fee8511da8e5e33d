// SPDX-License-Identifier: Apache-2.0
// resunetpp: ResUNet++ as its authors' code has it. With depth 5: S1 stem, S2 … S4 down, S5 the
// bridge (an ASPP at S4's size), S6 … S8 up, S9 a second ASPP.
#include <hilum/blocks.hpp>

namespace {
using hilum::Tensor;
namespace nn = torch::nn;

struct Options {
  int64_t width = 16, depth = 5, in_channels = 0, squeeze = 8;
  std::vector<int64_t> aspp_rates{1, 6, 12, 18};
  std::string attention = "plain";
};

// A residual unit whose channels are weighted at its end.
struct Unit : hilum::ResidualUnitImpl {
  Unit(int64_t dims, int64_t in, int64_t out, hilum::ResidualOptions o, int64_t ratio)
      : ResidualUnitImpl(dims, in, out, o) {
    squeeze = register_module("squeeze", hilum::SqueezeExcite(out, ratio));
  }
  Tensor weighted(const Tensor& x) { return squeeze(ResidualUnitImpl::forward(x)); }
  hilum::SqueezeExcite squeeze{nullptr};
};

struct Down : Unit {
  Down(const hilum::Site& at, int64_t level, const Options& opt)
      : Unit(at.dims(), hilum::channels(at.in), opt.width << level,
             {.stride = level ? 2 : 1, .first = level == 0, .bias = true}, opt.squeeze) {
    if (level == 0 && opt.in_channels && opt.in_channels != at.in[0].channels())
      throw hilum::Error("option 'in_channels' is " + std::to_string(opt.in_channels) +
                         ", but the image has " + std::to_string(at.in[0].channels()) +
                         " channels (data.channels)");
  }
  Tensor forward(const Tensor& x) { return weighted(x); }
};

// Branches without ReLU, summed; the 1x1 has no batch norm.
struct Pyramid : hilum::ASPPImpl {
  Pyramid(const hilum::Site& at, int64_t out, const Options& opt)
      : ASPPImpl(at.dims(), hilum::channels(at.in), out,
                 hilum::AsppOptions{.rates = opt.aspp_rates,
                                    .relu = false,
                                    .bias = true,
                                    .sum = true,
                                    .project_norm = false}) {}
};

// Batch norm, ReLU, 3x3.
struct Step : nn::Module {
  Step(int64_t dims, int64_t in, int64_t out) {
    norm = register_module("norm", hilum::Norm(in));
    conv = register_module("conv", hilum::Conv(dims, in, out));
  }
  Tensor forward(const Tensor& x) { return conv(norm->relu(x)); }
  hilum::Norm norm{nullptr};
  hilum::Conv conv{nullptr};
};

// The skip, at half its size, says where x matters: a factor for every value of x.
struct Attention : nn::Module {
  Attention(int64_t dims, int64_t skip, int64_t x, bool sigmoid) : sigmoid(sigmoid) {
    of_skip = register_module("of_skip", std::make_shared<Step>(dims, skip, x));
    of_x = register_module("of_x", std::make_shared<Step>(dims, x, x));
    of_both = register_module("of_both", std::make_shared<Step>(dims, x, x));
  }
  Tensor forward(const Tensor& x, const Tensor& skip) {
    const Tensor factor = of_both->forward(halved(of_skip->forward(skip)) + of_x->forward(x));
    return (sigmoid ? torch::sigmoid(factor) : factor) * x;
  }
  // An odd last voxel counts, as it does in the encoder's strided convolutions.
  static Tensor halved(const Tensor& x) {
    return x.dim() == 4 ? torch::max_pool2d(x, 2, 2, 0, 1, true)
                        : torch::max_pool3d(x, 2, 2, 0, 1, true);
  }
  bool sigmoid;
  std::shared_ptr<Step> of_skip, of_x, of_both;
};

// x from below, attended and at the skip's size, then the skip.
struct Up : Unit {
  Up(const hilum::Site& at, int64_t out, const Options& opt)
      : Unit(at.dims(), hilum::channels(at.in), out, {.bias = true}, opt.squeeze) {
    if (opt.attention != "none")
      attention =
          register_module("attention", std::make_shared<Attention>(at.dims(), at.in[1].channels(),
                                                                   at.in[0].channels(),
                                                                   opt.attention == "sigmoid"));
  }
  Tensor forward(const Tensor& x, const Tensor& skip) { return weighted(joined(x, skip)); }
  Tensor joined(const Tensor& x, const Tensor& skip) {
    return torch::cat({hilum::repeat_like(attention ? attention->forward(x, skip) : x, skip), skip},
                      1);
  }
  std::shared_ptr<Attention> attention;
};

struct ResUNetPlusPlus {
  using Options = ::Options;
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}
        .add("width", &Options::width, "channels of S1, doubled at each level")
        .range(1, 1024)
        .add("depth", &Options::depth,
             "doublings of the width, and one; the stages are S1 to S(2·depth−1). S<depth>, the "
             "bridge, has the size of the stage before it: 1/8 of the image with depth 5")
        .range(3, 8)
        .add("in_channels", &Options::in_channels, "channels of the image; 0: as the data has")
        .range(0, 64)
        .add("squeeze", &Options::squeeze,
             "ratio of the squeeze-excite blocks: channels to units of the narrow layer (at least "
             "one unit)")
        .range(1, 64)
        .add("aspp_rates", &Options::aspp_rates, "dilations of both ASPPs' branches", "voxels")
        .range(1, 64)
        .add("attention", &Options::attention,
             "the factors that the decoder's features are multiplied by: as they are (the authors' "
             "code), through a sigmoid, or none")
        .one_of({"plain", "sigmoid", "none"})
        .rule([](const Options& o) { return !o.aspp_rates.empty(); },
              "option 'aspp_rates' is empty, expected at least one dilation");
  }
  static void build(const Options& opt, hilum::Graph& g) {
    int64_t number = 0;
    const auto name = [&] { return "S" + std::to_string(++number); };
    const int64_t bridge = opt.depth - 1;  // its level; the stages above are on 0 … bridge - 1
    std::vector<hilum::Ref> down{g.input()};
    for (int64_t i = 0; i < bridge; ++i)
      down.push_back(g.stage<Down>(name(), {down.back()}, i, opt));
    hilum::Ref x = g.stage<Pyramid>(name(), {down.back()}, opt.width << bridge, opt);
    for (int64_t i = bridge; i > 1; --i)
      x = g.stage<Up>(name(), {x, down[static_cast<size_t>(i) - 1]}, opt.width << (i - 1), opt);
    g.stage<Pyramid>(name(), {x}, opt.width, opt);
  }
};
}  // namespace

HILUM_PLUGIN(r) {
  r.add<ResUNetPlusPlus>(
      "resunetpp", "1.0",
      "ResUNet++: squeeze-excite, ASPP, attention; S1 to S4 at 1 to 1/8, S5 the bridge at 1/8",
      "Jha et al., ISM 2019, arXiv 1911.07067, and the authors' code");
}
