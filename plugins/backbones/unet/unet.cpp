// SPDX-License-Identifier: Apache-2.0
// unet: U-Net (Ronneberger, Fischer, Brox 2015) with 'same' padding and batch norm. S1 … S5 down,
// S6 … S9 up.
#include <hilum/nn.hpp>

namespace {
using hilum::Tensor;
namespace nn = torch::nn;

// Two times conv-norm-relu.
struct Double : nn::Module {
  Double(int64_t dims, int64_t in, int64_t out) {
    conv1 = register_module("conv1", hilum::Conv(dims, in, out, hilum::ConvOptions{.bias = false}));
    norm1 = register_module("norm1", hilum::Norm(out));
    conv2 =
        register_module("conv2", hilum::Conv(dims, out, out, hilum::ConvOptions{.bias = false}));
    norm2 = register_module("norm2", hilum::Norm(out));
  }
  Tensor twice(const Tensor& x) { return norm2->relu(conv2(norm1->relu(conv1(x)))); }
  hilum::Conv conv1{nullptr}, conv2{nullptr};
  hilum::Norm norm1{nullptr}, norm2{nullptr};
};

struct Down : Double {
  Down(const hilum::Site& at, int64_t width, bool pool, int64_t expected)
      : Double(at.dims(), hilum::channels(at.in), width), pool(pool) {
    if (expected && expected != at.in[0].channels())
      throw hilum::Error("option 'in_channels' is " + std::to_string(expected) +
                         ", but the image has " + std::to_string(at.in[0].channels()) +
                         " channels (data.channels)");
  }
  Tensor forward(const Tensor& x) { return twice(pool ? hilum::max_pool(x, 2, 2) : x); }
  bool pool;
};

// x from below, doubled in size (2x2 transposed convolution that halves the channels, or
// resampling), beside the skip.
struct Up : Double {
  Up(const hilum::Site& at, int64_t width, bool transposed)
      : Double(at.dims(), at.in[1].channels() + (transposed ? width : at.in[0].channels()), width) {
    if (transposed)
      up = register_module("up", hilum::UpConv(at.dims(), at.in[0].channels(), width));
  }
  Tensor forward(const Tensor& x, const Tensor& skip) {
    return twice(hilum::join(skip, up.is_empty() ? x : up(x)));
  }
  hilum::UpConv up{nullptr};
};

struct UNet {
  struct Options {
    int64_t width = 64, depth = 5, in_channels = 0;
    std::string up = "transposed";
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}
        .add("width", &Options::width, "channels of S1, doubled at each level")
        .range(1, 1024)
        .add("depth", &Options::depth, "levels; the stages are S1 to S(2·depth−1)")
        .range(2, 7)
        .add("in_channels", &Options::in_channels, "channels of the image; 0: as the data has")
        .range(0, 64)
        .add("up", &Options::up, "how the decoder doubles the size")
        .one_of({"transposed", "resample"});
  }
  static void build(const Options& opt, hilum::Graph& g) {
    int64_t number = 0;
    const auto name = [&] { return "S" + std::to_string(++number); };
    std::vector<hilum::Ref> down{g.input()};
    for (int64_t i = 0; i < opt.depth; ++i)
      down.push_back(
          g.stage<Down>(name(), {down.back()}, opt.width << i, i > 0, i > 0 ? 0 : opt.in_channels));
    hilum::Ref x = down.back();
    for (int64_t i = opt.depth - 1; i > 0; --i)
      x = g.stage<Up>(name(), {x, down[static_cast<size_t>(i)]}, opt.width << (i - 1),
                      opt.up == "transposed");
  }
};
}  // namespace

HILUM_PLUGIN(r) {
  r.add<UNet>("unet", "1.0", "U-Net, 2D or 3D",
              "Ronneberger et al., MICCAI 2015, arXiv 1505.04597");
}
