// SPDX-License-Identifier: Apache-2.0
// linear: one learned weighted sum of the features.
#include <hilum/blocks.hpp>

namespace {
using hilum::Tensor;

// n features x_i [N,C_i,...], a the first -> sum_i w_i * p_i(x_i), [N,C,...] with a's channels C.
// weight v is [n,1], or [n,C] for a weight of each channel; w = v, or softmax of v over n.
// p_i is the identity where C_i = C, else project_b, project_c, ..., a 1x1 without bias.
struct Linear : hilum::Fusion {
  struct Options {
    std::string granularity = "tensor", normalize = "none", project = "auto";
    double self = 0.5;
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}
        .add("granularity", &Options::granularity, "one weight a whole tensor, or a channel")
        .one_of({"tensor", "channel"})
        .add("self", &Options::self,
             "initial weight of the feature that is replaced; the others share what is left to 1")
        .range(0, 1)
        .add("normalize", &Options::normalize,
             "'softmax' keeps the weights positive and their sum 1; 'none' leaves them free")
        .one_of({"none", "softmax"})
        .add("project", &Options::project,
             "'auto': a learned 1x1 where channel counts differ; 'never': they must be equal")
        .one_of({"auto", "never"})
        .rule([](const Options& o) { return o.normalize == "none" || (o.self > 0 && o.self < 1); },
              "a softmax cannot start at a weight of 0 or 1: set 'self' between them");
  }
  Linear(const Options& options, const hilum::Site& at) : softmax(options.normalize == "softmax") {
    if (at.in.size() < 2)
      throw hilum::Error(
          "linear mixes two or more features, and only one is given. Connect another one to it, "
          "connect = [[giver, receiver]]",
          hilum::Fault::request);
    const int64_t n = static_cast<int64_t>(at.in.size()), channels = at.in[0].channels();
    Tensor initial = torch::full({n, options.granularity == "channel" ? channels : 1},
                                 (1 - options.self) / static_cast<double>(n - 1));
    initial[0].fill_(options.self);
    weight = parameter("weight", softmax ? initial.log() : initial);
    spread.assign(static_cast<size_t>(at.dims()) + 1, 1), spread[0] = -1;
    for (size_t i = 0; i < at.in.size(); ++i) {
      project.push_back(hilum::projection(at, i, options.project == "auto"));
      if (!project[i].is_empty())
        register_module(std::string("project_") + static_cast<char>('a' + i), project[i]);
    }
  }
  Tensor forward(const hilum::Tensors& in) override {
    const auto w = (softmax ? weight.softmax(0) : weight).unbind(0);  // n of [C] or [1]
    Tensor sum = w[0].view(spread) * in[0];
    for (size_t i = 1; i < in.size(); ++i)
      sum =
          torch::addcmul(sum, w[i].view(spread), project[i].is_empty() ? in[i] : project[i](in[i]));
    if (is_training())
      for (size_t i = 0; i < in.size(); ++i)
        log(std::string("weight_") + static_cast<char>('a' + i), w[i].mean());
    return sum.to(in[0].scalar_type());  // float32 weights would turn a bfloat16 feature into one
  }
  bool softmax;
  std::vector<int64_t> spread;  // w_i beside [N,C,...]
  Tensor weight;
  std::vector<hilum::Conv> project;
};
}  // namespace

HILUM_PLUGIN(r) {
  r.add<Linear>("linear", "1.0", "learned weighted sum",
                "the linear combination that Zhang et al., arXiv 2410.20154, discuss");
}
