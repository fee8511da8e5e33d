// SPDX-License-Identifier: Apache-2.0
// sum: the features added up.
#include <hilum/plugin.hpp>

namespace {

struct Sum : hilum::Fusion {
  struct Options {
    double weight_of_others = 1;
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}.add("weight_of_others", &Options::weight_of_others,
                                        "factor of what is mixed in");
  }
  Sum(const Options& options, const hilum::Site&) : options(options) {}
  hilum::Tensor forward(const hilum::Tensors& in) override {
    hilum::Tensor total = in[0];
    for (size_t i = 1; i < in.size(); ++i) total = total + options.weight_of_others * in[i];
    return total;
  }
  Options options;
};

}  // namespace

HILUM_PLUGIN(r) { r.add<Sum>("sum", "1.0", "the features added up"); }
