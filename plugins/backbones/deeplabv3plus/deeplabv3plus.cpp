// SPDX-License-Identifier: Apache-2.0
// deeplabv3plus: DeepLabv3+ (Chen et al. 2018) with the layout and parameter names of
// segmentation_models_pytorch 0.5. C1 … C5: a ResNet-50, dilated at the end; aspp; decoder at 1/4.
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/dropout.h>
#include <hilum/resnet.hpp>

namespace {
using hilum::Tensor;
namespace nn = torch::nn;

struct Options {
  int64_t width = 64, in_channels = 0;
  std::vector<int64_t> layers{3, 4, 6, 3};
  int64_t output_stride = 16;
  std::vector<int64_t> rates{12, 24, 36};
  int64_t channels = 256, low_channels = 48;
  double dropout = 0.5;
  bool separable = true;
};

// A Sequential that may stand in another one: its forward is no template.
struct Chain : nn::SequentialImpl {
  using SequentialImpl::SequentialImpl;
  Tensor forward(Tensor x) { return SequentialImpl::forward(std::move(x)); }
};
using ChainPtr = std::shared_ptr<Chain>;

struct NormReluImpl : hilum::NormImpl {
  using NormImpl::NormImpl;
  Tensor forward(const Tensor& x) { return relu(x); }
};
TORCH_MODULE(NormRelu);

// Initial values as segmentation_models_pytorch's: uniform, of variance 2 / fan-in.
hilum::Conv conv(int64_t dims, int64_t in, int64_t out, hilum::ConvOptions o) {
  o.bias = false;
  hilum::Conv made(dims, in, out, o);
  nn::init::kaiming_uniform_(made->weight, 0, torch::kFanIn, torch::kReLU);
  return made;
}
hilum::Conv conv1x1(int64_t dims, int64_t in, int64_t out) {
  return conv(dims, in, out, {.kernel = 1});
}
// "0": 3x3 of each channel alone; "1": 1x1 across channels. Nothing between them.
ChainPtr separable(int64_t dims, int64_t in, int64_t out, int64_t rate = 1) {
  return std::make_shared<Chain>(conv(dims, in, in, {.dilation = rate, .groups = in}),
                                 conv1x1(dims, in, out));
}
template <class Convolution>
ChainPtr norm_relu(Convolution convolution, int64_t channels) {
  return std::make_shared<Chain>(convolution, NormRelu(channels));
}

struct Mean : nn::Module {
  Tensor forward(const Tensor& x) {  // [N,C,H,W] -> [N,C,1,1]
    if (is_training() && x.size(0) == 1)
      throw hilum::Error(
          "image pooling leaves one value a channel in a batch of 1, and batch norm cannot train "
          "on a single value. Leave out an epoch's last, smaller batch (train.drop_last = true), "
          "or set train.batch to 2 or more");
    return x.dim() == 4 ? x.mean({2, 3}, true) : x.mean({2, 3, 4}, true);
  }
};

// Branches convs.0 (1x1), convs.1 … (3x3, one a rate) and the last one (the image's mean), then
// `project` back to `channels`.
struct Pyramid : nn::Module {
  Pyramid(int64_t dims, int64_t in, const Options& o) {
    const int64_t out = o.channels;
    convs->push_back(norm_relu(conv1x1(dims, in, out), out));
    for (const auto rate : o.rates)
      convs->push_back(o.separable ? norm_relu(separable(dims, in, out, rate), out)
                                   : norm_relu(conv(dims, in, out, {.dilation = rate}), out));
    convs->push_back(
        std::make_shared<Chain>(std::make_shared<Mean>(), conv1x1(dims, in, out), NormRelu(out)));
    register_module("convs", convs);
    const auto wide = static_cast<int64_t>(convs->size()) * out;
    project = register_module(
        "project",
        std::make_shared<Chain>(conv1x1(dims, wide, out), NormRelu(out), nn::Dropout(o.dropout)));
  }
  Tensor forward(const Tensor& x) {
    hilum::Tensors all;
    for (const auto& branch : *convs) all.push_back(branch->as<Chain>()->forward(x));
    all.back() = hilum::resample_like(all.back(), x);
    return project->forward(torch::cat(all, 1));
  }
  nn::ModuleList convs;
  ChainPtr project;
};

// x at the size of `low`, C2's detail: the corners stay where they are, as in the reference.
struct Decoder : nn::Module {
  Decoder(const hilum::Site& at, const Options& o) {
    const int64_t dims = at.dims(), mixed = at.in[0].channels() + o.low_channels;
    block1 = register_module(
        "block1", norm_relu(conv1x1(dims, at.in[1].channels(), o.low_channels), o.low_channels));
    block2 = register_module("block2", norm_relu(separable(dims, mixed, o.channels), o.channels));
  }
  Tensor forward(const Tensor& x, const Tensor& low) {
    return block2->forward(
        hilum::join(block1->forward(low), x, {.skip_last = true, .corners = true}));
  }
  ChainPtr block1, block2;
};

struct DeepLabV3Plus {
  using Options = ::Options;
  static hilum::Schema<Options> schema();
  static void build(const Options& opt, hilum::Graph& g) {
    const auto c = hilum::resnet::stages(g,
                                         {.width = opt.width,
                                          .in_channels = opt.in_channels,
                                          .layers = opt.layers,
                                          .output_stride = opt.output_stride},
                                         "encoder");
    const auto aspp = g.stage("aspp", {c[4]}, [opt](const hilum::Site& at) {
      const int64_t dims = at.dims(), out = opt.channels;
      return std::make_shared<Chain>(std::make_shared<Pyramid>(dims, at.in[0].channels(), opt),
                                     separable(dims, out, out), NormRelu(out));
    });
    g.alias(aspp, "decoder.aspp");
    g.alias(g.stage<Decoder>("decoder", {aspp, c[1]}, opt), "decoder");
  }
};

hilum::Schema<Options> DeepLabV3Plus::schema() {
  return hilum::Schema<Options>{}
      .add("width", &Options::width, "channels of C1; C2 has 4·width, doubled at each stage to C5")
      .range(1, 1024)
      .add("in_channels", &Options::in_channels, "channels of the image; 0: as the data has")
      .range(0, 64)
      .add("layers", &Options::layers, "blocks of C2, C3, C4, C5; [3, 4, 23, 3] is ResNet-101")
      .range(1, 100)
      .rule([](const Options& o) { return o.layers.size() == 4; },
            "'layers' needs four numbers of blocks, those of C2, C3, C4 and C5: [3, 4, 6, 3]")
      .add("output_stride", &Options::output_stride,
           "size of the image over that of C5, 8 or 16; later layers get dilation for stride",
           "voxels")
      .range(8, 16)
      .rule([](const Options& o) { return o.output_stride == 8 || o.output_stride == 16; },
            "'output_stride' must be 8 or 16")
      .add("rates", &Options::rates,
           "dilations of aspp, one 3×3 branch each. The paper's are 6, 12, 18 at output_stride 16 "
           "and 12, 24, 36 at 8. Where C5 is no larger than a rate (8×8 for an image of 128×128 at "
           "16), all but the centre of that 3×3 reads padding",
           "voxels of C5")
      .range(1, 256)
      .rule([](const Options& o) { return !o.rates.empty(); },
            "'rates' is empty; give at least one dilation: rates = [6, 12, 18]")
      .add("channels", &Options::channels, "channels of each branch, of aspp and of decoder")
      .range(1, 4096)
      .add("low_channels", &Options::low_channels, "channels that C2 is reduced to for decoder")
      .range(1, 4096)
      .add("dropout", &Options::dropout, "probability of a zero at the end of aspp's projection")
      .range(0, 0.95)
      .add("separable", &Options::separable, "aspp's branches with a rate are depthwise-separable");
}
}  // namespace

HILUM_PLUGIN(r) {
  r.add<DeepLabV3Plus>(
      "deeplabv3plus", "1.0", "DeepLabv3+ on ResNet-50, 2D or 3D",
      "Chen et al., ECCV 2018, arXiv 1802.02611; as in segmentation_models_pytorch 0.5");
}
