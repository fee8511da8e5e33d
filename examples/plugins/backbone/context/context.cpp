// SPDX-License-Identifier: Apache-2.0
// context: a residual network at full resolution; each stage sees twice as far.
#include <hilum/nn.hpp>

namespace {
// A stage, [N,C,...] to [N,width,...]: a dilated convolution beside what came in.
struct Residual : torch::nn::Module {
  Residual(const hilum::Site& at, int64_t width, int64_t dilation) {
    const hilum::ConvOptions wide{.dilation = dilation, .bias = false}, point{.kernel = 1};
    conv = register_module("conv", hilum::Conv(at.dims(), hilum::channels(at.in), width, wide));
    norm = register_module("norm", hilum::Norm(width));
    fit = register_module("fit", hilum::Conv(at.dims(), hilum::channels(at.in), width, point));
  }
  hilum::Tensor forward(const hilum::Tensor& x) { return norm->add_relu(conv(x), fit(x)); }
  hilum::Conv conv{nullptr}, fit{nullptr};
  hilum::Norm norm{nullptr};
};

struct Context {
  struct Options {  // what an experiment may set; the initialisers are the defaults
    int64_t width = 32, depth = 4;
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}
        .add("width", &Options::width, "channels of every stage")
        .range(1, 1024)
        .add("depth", &Options::depth, "stages; the last one's dilation is 2^(depth-1)")
        .range(1, 8);
  }
  static void build(const Options& options, hilum::Graph& g) {  // C1, C2, ...: the idea
    hilum::Ref x = g.input();
    for (int64_t i = 0; i < options.depth; ++i)
      x = g.stage<Residual>("C" + std::to_string(i + 1), {x}, options.width, int64_t{1} << i);
  }
};
}  // namespace

HILUM_PLUGIN(r) {  // name, version, what it does; then the paper it follows, if any
  r.add<Context>("context", "1.0", "dilated residual network");
}
