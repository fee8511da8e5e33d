// SPDX-License-Identifier: Apache-2.0
// concat: the features side by side. What follows grows by the channels that are mixed in.
#include <hilum/nn.hpp>

namespace {
// a [N,A,...], b [N,B,...], ... of one spatial size -> [N,A+B+...,...], in this order.
struct Concat : hilum::Fusion {
  struct Options {};
  static hilum::Schema<Options> schema() { return {}; }
  Concat(const Options&, const hilum::Site& at) {
    if (at.in.size() < 2)
      throw hilum::Error(
          "concat joins two or more features, and only one is given. Connect another one to it, "
          "connect = [[giver, receiver]]",
          hilum::Fault::request);
  }
  hilum::Tensor forward(const hilum::Tensors& in) override { return torch::cat(in, 1); }
};
}  // namespace

HILUM_PLUGIN(r) {
  r.add<Concat>("concat", "1.0", "features side by side; what follows grows",
                "the plain alternative that Zhang et al., arXiv 2410.20154, discuss");
}
