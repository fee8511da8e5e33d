// SPDX-License-Identifier: Apache-2.0
// cross_stitch: each feature becomes a learned sum of itself and the others.
#include <hilum/blocks.hpp>

namespace {
using hilum::Tensor;

// a [N,C,...], others x_i [N,C_i,...] -> alpha_a * a + sum_i alpha_i * p_i(x_i), [N,C,...].
// alpha_a, alpha_b, ... are [C], or [1] for a whole tensor. p_i is the identity where C_i = C, else
// project_i, a 1x1 without bias. `between` makes an instance for each feature: their alphas are the
// rows of the paper's matrix.
struct CrossStitch : hilum::Fusion {
  struct Options {
    std::string granularity = "channel", project = "auto";
    double self = 0.9, other = 0.1, lr_factor = 1;
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}
        .add("granularity", &Options::granularity, "one weight a channel, or a whole tensor")
        .one_of({"channel", "tensor"})
        .add("self", &Options::self, "initial weight of the feature that is replaced")
        .range(-10, 10)
        .add("other", &Options::other, "initial weight of each feature that is mixed in")
        .range(-10, 10)
        .add("lr_factor", &Options::lr_factor,
             "the weights' learning rate over the experiment's. Adam's steps do not depend on the "
             "gradient's size, so 1 suits it: at 100 and lr = 0.001 each would be as large as "
             "'other'. With SGD public code takes 100, the paper 100 to 1000")
        .range(0, 10000)
        .add("project", &Options::project,
             "'auto': a learned 1x1 where channel counts differ; 'never': they must be equal")
        .one_of({"auto", "never"});
  }
  CrossStitch(const Options& opt, const hilum::Site& at) {
    if (at.in.size() < 2)
      throw hilum::Error(
          "cross_stitch mixes two or more features, and only one is given. Put it between them, "
          "between = [[a, b]]",
          hilum::Fault::request);
    const int64_t channels = at.in[0].channels();
    spread.assign(static_cast<size_t>(at.dims()) + 1, 1), spread[0] = -1;
    for (size_t i = 0; i < at.in.size(); ++i) {
      const char name = static_cast<char>('a' + i);
      alpha.push_back(parameter(
          std::string("alpha_") + name,
          torch::full({opt.granularity == "channel" ? channels : 1}, i ? opt.other : opt.self),
          opt.lr_factor));
      project.push_back(hilum::projection(at, i, opt.project == "auto"));
      if (!project[i].is_empty()) register_module(std::string("project_") + name, project[i]);
    }
  }
  Tensor forward(const hilum::Tensors& in) override {
    Tensor sum = alpha[0].view(spread) * in[0];
    for (size_t i = 1; i < in.size(); ++i)
      sum = torch::addcmul(sum, alpha[i].view(spread),
                           project[i].is_empty() ? in[i] : project[i](in[i]));
    if (is_training())
      for (size_t i = 0; i < in.size(); ++i)
        log(std::string("alpha_") + static_cast<char>('a' + i), alpha[i].mean());
    return sum.to(in[0].scalar_type());  // float32 weights would turn a bfloat16 feature into one
  }
  std::vector<int64_t> spread;  // alpha beside [N,C,...]
  std::vector<Tensor> alpha;
  std::vector<hilum::Conv> project;
};
}  // namespace

HILUM_PLUGIN(r) {
  r.add<CrossStitch>("cross_stitch", "1.0", "learned sum, a weight for each feature and channel",
                     "Misra et al., CVPR 2016, arXiv 1604.03539");
}
