// SPDX-License-Identifier: Apache-2.0
// Plugins that load and register well, and misbehave: one fault each. One object serves all of
// these libraries: kFault, in a file of one line a library, says which one this is.
#include <hilum/nn.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <string_view>
#include <thread>

extern const char* const kFault;

namespace {
using hilum::Tensor;
using hilum::Tensors;

bool fault(std::string_view name) { return name == kFault; }

// The identity, with a gradient that is twice too large.
struct Doubled : torch::autograd::Function<Doubled> {
  static Tensor forward(torch::autograd::AutogradContext*, const Tensor& x) { return x.clone(); }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 const torch::autograd::variable_list& g) {
    return {2 * g[0]};
  }
};

// A sound fusion, in[0] + scale * mix(in[1]), with one thing wrong.
struct Sum : hilum::Fusion {
  struct Options {
    double scale = 0.5;
    int64_t unused = 3;
  };
  static hilum::Schema<Options> schema() {
    auto schema = hilum::Schema<Options>{};
    schema.add("scale", &Options::scale, fault("no_help") ? "" : "of what is mixed in");
    schema.range(fault("bad_limit") ? 0 : 0.1, 2);
    if (fault("idle_option")) schema.add("unused", &Options::unused, "steps").range(1, 9);
    if (fault("bad_rule"))
      schema.rule([](const Options& o) { return o.scale > 1; }, "'scale' must be above 1");
    return schema;
  }
  Sum(const Options& options, const hilum::Site& at) : scale(options.scale), side(at.in[0][2]) {
    const hilum::ConvOptions point{.kernel = 1, .bias = false};
    const auto own = at.in[0].channels(), other = at.in[1].channels();
    if (fault("shared_state")) {
      static hilum::Conv shared(at.dims(), other, own, point);
      mix = register_module("mix", shared);
    } else {
      mix = hilum::Conv(at.dims(), other, own, point);
      if (!fault("unregistered")) register_module("mix", mix);
    }
    if (fault("idle_parameter")) parameter("idle", torch::zeros({own}));
    if (fault("unsaved")) secret = torch::rand({1}).item<double>();
    if (fault("bad_limit") && scale == 0) throw hilum::Error("nothing would be mixed in");
  }
  Tensor forward(const Tensors& in) override {
    misbehave(in[0]);
    Tensor y = mix(in[1]) * scale;
    if (fault("wrong_gradient")) y = Doubled::apply(y);
    if (fault("odd_sizes")) y = coarse(y, in[0]);
    if (fault("random")) y = y + noise();
    if (fault("eval_dropout")) y = torch::dropout(y, 0.5, !is_training());
    if (fault("batch_norm")) y = y - y.mean(0, true);
    if (fault("unsaved")) y = y * secret;
    if (fault("layout")) y = y + in[0].clone().as_strided(in[0].sizes(), plain(in[0]));
    if (fault("cancels")) y = (y + 300) - 300;
    if (fault("baked_size")) y = y * (side / static_cast<double>(in[0].size(2)));
    if (fault("scratch")) y = through_scratch(y);
    return (fault("odd_sizes") ? y : in[0] + y).to(in[0].scalar_type());
  }
  void misbehave(const Tensor& x) {
    if (fault("crash")) *static_cast<volatile int*>(nullptr) = 1;
    if (fault("exit")) std::exit(7);
    if (fault("hang"))
      for (;;) pause();
    if (fault("throw") && x.size(0) == 1) throw std::runtime_error("one is no number");
    if (fault("leak")) {
      static auto* kept = new Tensors();
      kept->push_back(x.detach().clone());
    }
  }
  // Half the size and back: an odd side comes back one smaller.
  static Tensor coarse(const Tensor& y, const Tensor& like) {
    const Tensor both = y + like;
    const std::vector<int64_t> two(static_cast<size_t>(y.dim()) - 2, 2);
    const Tensor half = y.dim() == 4 ? torch::avg_pool2d(both, two) : torch::avg_pool3d(both, two);
    return y.dim() == 4 ? torch::upsample_nearest2d(half, {2 * half.size(2), 2 * half.size(3)})
                        : torch::upsample_nearest3d(
                              half, {2 * half.size(2), 2 * half.size(3), 2 * half.size(4)});
  }
  static double noise() { return std::uniform_real_distribution<>()(device()); }
  static std::random_device& device() {
    thread_local std::random_device d;
    return d;
  }
  // Strides of memory that is taken to be contiguous.
  static std::vector<int64_t> plain(const Tensor& x) {
    std::vector<int64_t> strides(static_cast<size_t>(x.dim()), 1);
    for (auto i = strides.size() - 1; i-- > 0;)
      strides[i] = strides[i + 1] * x.size(static_cast<int64_t>(i) + 1);
    return strides;
  }
  static Tensor through_scratch(const Tensor& y) {
    static auto* scratch = new Tensor();
    *scratch = y;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return *scratch;
  }
  double scale, secret = 1;
  int64_t side;
  hilum::Conv mix{nullptr};
};

// z + amount * guide, with one thing wrong.
struct Shift : hilum::Regularizer {
  struct Options {
    double amount = 0.5;
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}.add("amount", &Options::amount, "of the guide").range(0.1, 1);
  }
  Shift(const Options& options, const hilum::Site&) {
    raw = parameter("raw", torch::full({1}, options.amount));
  }
  Tensor forward(const Tensor& z, const Tensor& guide) override {
    if (fault("overflow")) return z + raw * z.exp().log();
    if (!guide.defined()) return z;  // `raw` receives no gradient
    std::vector<int64_t> shape(static_cast<size_t>(z.dim()), 1);
    shape[0] = z.size(0);
    return z + raw * guide.view(shape);
  }
  Tensor raw;
};

// One logit a sample, with one thing wrong.
struct Mean : hilum::Head {
  struct Options {
    std::string target = "rating";
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}.add("target", &Options::target, "column that is learned");
  }
  Mean(const Options& options, const hilum::Site& at) : target(options.target) {
    weight = parameter("weight", torch::ones({at.in[0].channels()}) / 8);
  }
  hilum::Named forward(const Tensors& in) override {
    return {{"logits", (in[0].flatten(2).mean(2) * weight).sum(1, true)}};
  }
  hilum::Named predict(const hilum::Named& outputs) override {
    const Tensor& z = outputs.at("logits");
    return {{"probability", fault("no_probability") ? z * 9 : z.sigmoid()}};
  }
  hilum::Named loss(const hilum::Named& outputs, const hilum::Named& batch) override {
    const Tensor& y = batch.at(target);
    const Tensor z = outputs.at("logits");
    if (fault("learns_nan")) return {{"mse", (z - y).square().mean()}};
    const Tensor known = y.isfinite().to(z.dtype());
    return {{"mse", ((z - y.nan_to_num()).square() * known).sum() / known.sum().clamp_min(1)}};
  }
  std::vector<hilum::Output> outputs() const override {
    return {{.kind = hilum::OutputKind::binary, .target = target}};
  }
  std::string target;
  Tensor weight;
};

}  // namespace

HILUM_PLUGIN(r) {
  const std::string name = kFault;
  if (fault("overflow") || fault("needs_guide")) return r.add<Shift>(name, "1.0", "a shift");
  if (fault("no_probability") || fault("learns_nan")) return r.add<Mean>(name, "1.0", "a mean");
  r.add<Sum>(name, "1.0", "a sum");
}
