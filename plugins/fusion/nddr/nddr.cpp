// SPDX-License-Identifier: Apache-2.0
// nddr: neural discriminative dimensionality reduction. All features together, and a 1x1 that
// starts as a weighted sum.
#include <hilum/nn.hpp>

namespace {
using hilum::Tensor;

// n features x_i [N,C_i,...], a the first -> relu(norm(conv(cat(x), weight))), [N,C,...] with a's
// channels C. weight [C, sum C_i, 1, 1(, 1)] has no bias and starts as a row of blocks [C,C_i]:
// self * I for a, other * I for the rest. Channels that do not correspond (C_i != C) have no
// diagonal: normal values of variance other^2 / C_i, which keep the scale of other * x_i.
// The paper's own weight decay of the 1x1 is not known: it has the experiment's.
struct Nddr : hilum::Fusion {
  struct Options {
    std::string start = "diagonal", activation = "relu";
    double self = 0.9, other = 0.1, momentum = 0.05, lr_factor = 1;
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}
        .add("start", &Options::start,
             "the 1x1's first values: 'diagonal' from 'self' and 'other', or 'random' as any "
             "convolution")
        .one_of({"diagonal", "random"})
        .add("self", &Options::self, "diagonal of the feature that is replaced")
        .range(-10, 10)
        .add("other", &Options::other, "diagonal of each feature that is mixed in")
        .range(-10, 10)
        .add("activation", &Options::activation, "after the batch norm")
        .one_of({"relu", "none"})
        .add("momentum", &Options::momentum, "of the batch norm's running means")
        .range(0, 1)
        .add("lr_factor", &Options::lr_factor,
             "the 1x1's learning rate over the experiment's. Adam's steps do not depend on the "
             "gradient's size, so 1 suits it. With SGD public code takes 100")
        .range(0, 10000);
  }
  Nddr(const Options& options, const hilum::Site& at) : relu(options.activation == "relu") {
    if (at.in.size() < 2)
      throw hilum::Error(
          "nddr mixes two or more features, and only one is given. Put it between them, "
          "between = [[a, b]]",
          hilum::Fault::request);
    weight = parameter("weight", initial(options, at), options.lr_factor);
    norm = register_module(
        "norm",
        hilum::Norm(hilum::nn::BatchNormOptions(at.in[0].channels()).momentum(options.momentum)));
  }
  Tensor forward(const hilum::Tensors& in) override {
    const Tensor all = torch::cat(in, 1);
    const Tensor y = hilum::convolution(all, weight, {}, {});
    return relu ? norm->relu(y) : norm(y);
  }
  static Tensor initial(const Options& options, const hilum::Site& at) {
    const int64_t channels = at.in[0].channels();
    if (options.start == "random")
      return hilum::Conv(at.dims(), hilum::channels(at.in), channels,
                         hilum::ConvOptions{.kernel = 1, .bias = false})
          ->weight.detach();
    std::vector<Tensor> blocks;
    for (const auto& shape : at.in) {
      const int64_t own = shape.channels();
      const double gain = blocks.empty() ? options.self : options.other;
      blocks.push_back(own == channels ? gain * torch::eye(channels)
                                       : gain / std::sqrt(static_cast<double>(own)) *
                                             torch::randn({channels, own}));
    }
    std::vector<int64_t> sizes(static_cast<size_t>(at.dims()) + 2, 1);
    sizes[0] = channels, sizes[1] = -1;
    return torch::cat(blocks, 1).view(sizes);
  }
  bool relu;
  Tensor weight;
  hilum::Norm norm{nullptr};
};
}  // namespace

HILUM_PLUGIN(r) {
  r.add<Nddr>("nddr", "1.0", "concat, 1x1 that starts as a weighted sum, batch norm, ReLU",
              "Gao et al., NDDR-CNN, CVPR 2019, arXiv 1801.08297");
}
