// SPDX-License-Identifier: Apache-2.0
// Backbones, fusions and a regularizer as small as they can be. Smooth activations, so that finite
// differences meet no corner.
#include "parts.hpp"

namespace {
using hilum::Graph;
using hilum::Schema;
using hilum::Shape;
using hilum::Site;
using hilum::Tensor;
using hilum::Tensors;
namespace nn = torch::nn;

// conv, norm, silu; several inputs are put side by side.
struct Level : nn::Module {
  Level(const Site& at, int64_t width, int64_t stride) {
    conv =
        register_module("conv", hilum::Conv(at.dims(), hilum::channels(at.in), width,
                                            hilum::ConvOptions{.stride = stride, .bias = false}));
    norm = register_module("norm", hilum::Norm(width));
  }
  Tensor forward(const Tensor& x) { return torch::silu(norm(conv(x))); }
  Tensor forward(const Tensor& x, const Tensor& y) { return forward(hilum::join(x, y)); }
  hilum::Conv conv{nullptr};
  hilum::Norm norm{nullptr};
};

struct WidthOptions {
  int64_t width = 4;
};
Schema<WidthOptions> width_schema() {
  return Schema<WidthOptions>{}
      .add("width", &WidthOptions::width, "channels of the first stage")
      .range(1, 64);
}

// S1 at full size, S2 at 1/2, S3 at 1/4.
struct Pyramid {
  using Options = WidthOptions;
  static Schema<Options> schema() { return width_schema(); }
  static void build(const Options& o, Graph& g) {
    auto x = g.stage<Level>("S1", {g.input()}, o.width, 1);
    g.alias(x, "");
    x = g.stage<Level>("S2", {x}, 2 * o.width, 2);
    g.alias(x, "layer1");
    g.alias(g.stage<Level>("S3", {x}, 4 * o.width, 2), "layer2");
  }
};

// E1, E2, E3 down to 1/4; D2, D1 up again, each beside its skip.
struct Hourglass {
  using Options = WidthOptions;
  static Schema<Options> schema() { return width_schema(); }
  static void build(const Options& o, Graph& g) {
    const auto e1 = g.stage<Level>("E1", {g.input()}, o.width, 1);
    const auto e2 = g.stage<Level>("E2", {e1}, 2 * o.width, 2);
    const auto e3 = g.stage<Level>("E3", {e2}, 4 * o.width, 2);
    const auto d2 = g.stage<Level>("D2", {e2, e3}, 2 * o.width, 1);
    g.stage<Level>("D1", {e1, d2}, o.width, 1);
  }
};

// Two images of the sample.
struct Pair {
  using Options = WidthOptions;
  static Schema<Options> schema() { return width_schema(); }
  static void build(const Options& o, Graph& g) {
    auto x = g.stage<Level>("S1", {g.input(), g.input("other")}, o.width, 1);
    x = g.stage<Level>("S2", {x}, 2 * o.width, 2);
    g.stage<Level>("S3", {x}, 4 * o.width, 2);
  }
};

struct Pool : nn::Module {
  Pool(const Site&, int64_t stride) : stride(stride) {}
  Tensor forward(const Tensor& x) { return stride == 1 ? x : hilum::max_pool(x, stride, stride); }
  int64_t stride;
};

// The image itself; nothing to learn.
struct Plain {
  struct Options {};
  static Schema<Options> schema() { return {}; }
  static void build(const Options&, Graph& g) {
    auto x = g.stage<Pool>("S1", {g.input()}, 1);
    x = g.stage<Pool>("S2", {x}, 2);
    g.stage<Pool>("S3", {x}, 2);
  }
};

// Equal sizes and channels: in[0] + gain * in[k].
struct Add : hilum::Fusion {
  struct Options {};
  static Schema<Options> schema() { return {}; }
  Add(const Options&, const Site& at) {
    for (const auto& shape : at.in)
      if (shape.channels() != at.in[0].channels()) throw hilum::Error("needs equal channels");
    std::vector<int64_t> sizes(static_cast<size_t>(at.dims()) + 2, 1);
    sizes[1] = at.in[0].channels();
    gain = parameter("gain", torch::rand(sizes));
  }
  Tensor forward(const Tensors& in) override {
    Tensor sum = in[0];
    for (size_t k = 1; k < in.size(); ++k) sum = sum + gain * in[k];
    return sum;
  }
  Tensor gain;
};

struct Concat : hilum::Fusion {
  struct Options {};
  static Schema<Options> schema() { return {}; }
  Concat(const Options&, const Site&) {}
  Tensor forward(const Tensors& in) override { return torch::cat(in, 1); }
};

// Any size and any channels: a 1x1 convolution of what is mixed in, at in[0]'s size.
struct Mix : hilum::Fusion {
  struct Options {
    std::string how = "add";
  };
  static Schema<Options> schema() {
    return Schema<Options>{}.add("how", &Options::how, "sum or product").one_of({"add", "gate"});
  }
  Mix(const Options& o, const Site& at) : gate(o.how == "gate") {
    auto others = at.in;
    others.erase(others.begin());
    conv =
        register_module("conv", hilum::Conv(at.dims(), hilum::channels(others), at.in[0].channels(),
                                            hilum::ConvOptions{.kernel = 1}));
  }
  bool any_size() const override { return true; }
  Tensor forward(const Tensors& in) override {
    Tensors others;
    for (size_t k = 1; k < in.size(); ++k) others.push_back(hilum::resample_like(in[k], in[0]));
    const Tensor mixed = conv(torch::cat(others, 1));
    return gate ? in[0] * mixed.sigmoid() : in[0] + mixed;
  }
  bool gate;
  hilum::Conv conv{nullptr};
};

// z <- z - strength * (z - mean of its neighbours), and lower where the guide says no.
struct Smooth : hilum::Regularizer {
  struct Options {
    int64_t iterations = 3;
  };
  static Schema<Options> schema() {
    return Schema<Options>{}
        .add("iterations", &Options::iterations, "steps of smoothing")
        .range(1, 100);
  }
  Smooth(const Options& o, const Site& at) : iterations(o.iterations) {
    strength = parameter("strength", torch::tensor(0.5), 10);
    if (at.in.size() > 1) push = parameter("push", torch::tensor(0.25));
  }
  Tensor forward(const Tensor& logits, const Tensor& guide) override {
    Tensor z = logits;
    Tensors energy;
    if (guide.defined()) {
      std::vector<int64_t> sizes(static_cast<size_t>(z.dim()), 1);
      sizes[0] = guide.size(0);
      z = z - push * (1 - guide.reshape(sizes));
    }
    for (int64_t i = 0; i < iterations; ++i) {
      const Tensor mean =
          z.dim() == 4 ? torch::avg_pool2d(z, 3, 1, 1) : torch::avg_pool3d(z, 3, 1, 1);
      energy.push_back((z - mean).square().mean());
      z = z - strength * (z - mean);
    }
    log("strength", strength);
    log("energy", torch::stack(energy));
    return z;
  }
  int64_t iterations;
  Tensor strength, push;
};
}  // namespace

HILUM_PLUGIN(r) {
  r.add<Pyramid>("test_pyramid", "1.0", "three stages, each half as large");
  r.add<Hourglass>("test_hourglass", "1.0", "down and up with skips");
  r.add<Pair>("test_pair", "1.0", "two images of a sample");
  r.add<Plain>("test_plain", "1.0", "the image itself");
  r.add<Add>("test_add", "1.0", "a sum; equal sizes and channels");
  r.add<Concat>("test_concat", "1.0", "side by side");
  r.add<Mix>("test_mix", "1.0", "any size and channels");
  r.add<Smooth>("test_smooth", "1.0", "smoother logits, guided");
  test_parts::add_heads(r);
}
