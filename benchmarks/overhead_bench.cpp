// SPDX-License-Identifier: Apache-2.0
// What assembling from TOML costs: training steps of an assembled U-Net against the same network
// written out in LibTorch, same weights, in turns. benchmarks/README.md says how to read it.
#include <fmt/core.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <random>

#include "core/model/autocast.hpp"
#include "core/train/optimizer.hpp"
#include "core/train/session.hpp"

namespace {

using torch::Tensor;
namespace nn = torch::nn;
namespace train = hilum::train;

constexpr double kRate = 1e-4, kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;
constexpr double kAllowedShare = 0.02, kAllowedSeconds = 0.3e-3;  // the promise, a training step

// Children in the order in which the assembled model registers them, so that weights are copied in
// turn.
struct DoubleImpl : nn::Module {
  DoubleImpl(int64_t in, int64_t out, int64_t below = 0) {
    const auto conv = [](int64_t i, int64_t o) {
      return nn::Conv2d(nn::Conv2dOptions(i, o, 3).padding(1).bias(false));
    };
    conv1 = register_module("conv1", conv(in, out));
    norm1 = register_module("norm1", nn::BatchNorm2d(out));
    conv2 = register_module("conv2", conv(out, out));
    norm2 = register_module("norm2", nn::BatchNorm2d(out));
    if (below)
      up = register_module(
          "up", nn::ConvTranspose2d(nn::ConvTranspose2dOptions(below, out, 2).stride(2)));
  }
  Tensor forward(const Tensor& x) { return norm2(conv2(norm1(conv1(x)).relu_())).relu_(); }
  nn::Conv2d conv1{nullptr}, conv2{nullptr};
  nn::BatchNorm2d norm1{nullptr}, norm2{nullptr};
  nn::ConvTranspose2d up{nullptr};
};
TORCH_MODULE(Double);

struct UNet : nn::Module {
  UNet(int64_t width, int64_t depth) {
    for (int64_t i = 0; i < depth; ++i)
      down.push_back(
          register_module(fmt::format("down{}", i), Double(i ? width << (i - 1) : 1, width << i)));
    for (int64_t i = depth - 1; i > 0; --i)
      up.push_back(register_module(fmt::format("up{}", i),
                                   Double(width << i, width << (i - 1), width << i)));
    out = register_module("out", nn::Conv2d(nn::Conv2dOptions(width, 1, 1)));
  }
  Tensor forward(Tensor x) {  // [N,1,H,W] -> logits [N,1,H,W]
    std::vector<Tensor> skips;
    for (auto& block : down) {
      x = block(skips.empty() ? x : torch::max_pool2d(x, 2, 2));
      skips.push_back(x);
    }
    skips.pop_back();
    for (auto& block : up) {
      x = block(torch::cat({skips.back(), block->up(x)}, 1));
      skips.pop_back();
    }
    return out(x);
  }
  std::vector<Double> down, up;
  nn::Conv2d out{nullptr};
};

Tensor bce_dice(const Tensor& z, const Tensor& y) {
  const Tensor p = z.sigmoid();
  return torch::binary_cross_entropy_with_logits(z, y) +
         (1 - (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1));
}

// The network as somebody writes it without a framework.
class Direct {
 public:
  Direct(train::Setup& setup, int64_t width, int64_t depth)
      : net_(width, depth), compute_(setup.compute) {
    const torch::NoGradGuard no_grad;
    const auto from = setup.model->parameters();
    params_ = net_.parameters();
    TORCH_CHECK(from.size() == params_.size(), "the two networks have different parameters");
    for (size_t i = 0; i < from.size(); ++i) {
      TORCH_CHECK(from[i].sizes() == params_[i].sizes(), "parameter ", i, " differs in shape");
      params_[i].set_data(from[i].clone());  // keeps the layout
      first_.push_back(torch::zeros_like(params_[i]));
      second_.push_back(torch::zeros_like(params_[i]));
    }
    steps_.assign(params_.size(), torch::zeros({}));
  }
  Tensor forward(const Tensor& image) {
    const hilum::model::Autocast scope(compute_.bfloat16);
    return net_.forward(image).to(torch::kFloat);
  }
  double step(const hilum::Named& batch) {
    const auto placed = train::place(batch, compute_);
    for (auto& p : params_) p.mutable_grad().reset();
    const Tensor loss = bce_dice(forward(placed.at("image")), placed.at("mask"));
    const double value = loss.item<double>();
    loss.backward();
    update();
    return value;
  }
  const std::vector<Tensor>& parameters() const { return params_; }

 private:
  void update() {
    const torch::NoGradGuard no_grad;
    steps_[0].add_(1);  // one tensor, shared by all
    std::vector<Tensor> grads;
    for (const auto& p : params_)
      grads.push_back(p.grad().strides() == p.strides() ? p.grad()
                                                        : torch::empty_like(p).copy_(p.grad()));
    at::_fused_adam_(params_, grads, first_, second_, {}, steps_, kRate, kBeta1, kBeta2, 0,
                     kEpsilon, false, false);
  }
  UNet net_;
  train::Compute compute_;
  std::vector<Tensor> params_, first_, second_, steps_;
};

// The same step through the framework: what the trainer does with a batch, logs included.
class Assembled {
 public:
  explicit Assembled(train::Setup& setup)
      : setup_(setup), optimizer_(*setup.model, setup.experiment.train) {
    setup.model->train();
  }
  Tensor forward(const Tensor& image) {
    return setup_.model->forward({{"image", image}}, setup_.compute.bfloat16)
        .at("mask")
        .at("logits");
  }
  double step(const hilum::Named& batch) {
    const auto placed = train::place(batch, setup_.compute);
    optimizer_.zero_grad();
    const auto losses =
        setup_.model->loss(setup_.model->forward(placed, setup_.compute.bfloat16), placed);
    const double value = losses.total.item<double>();
    losses.total.backward();
    optimizer_.step(kRate, kBeta1);
    for (const auto& [name, term] : losses.terms) logged_ += term.item<double>();
    logged_ += static_cast<double>(setup_.model->take_logs().size());
    return value;
  }

 private:
  train::Setup& setup_;
  train::Optimizer optimizer_;
  double logged_ = 0;
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

struct Interval {
  double low, high;
};
// 95 % bootstrap interval of a figure of the pairs.
template <class Figure>
Interval bootstrap(size_t pairs, Figure figure) {
  std::mt19937_64 random(0);
  std::uniform_int_distribution<size_t> pick(0, pairs - 1);
  std::vector<double> figures;
  std::vector<size_t> drawn(pairs);
  for (int i = 0; i < 2000; ++i) {
    for (auto& k : drawn) k = pick(random);
    figures.push_back(figure(drawn));
  }
  std::sort(figures.begin(), figures.end());
  return {figures[50], figures[1949]};
}

struct Times {
  std::vector<double> assembled, direct;  // seconds a step, in pairs
};

double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void report(const Times& t) {
  const auto of = [](const std::vector<double>& values, const std::vector<size_t>& drawn) {
    std::vector<double> chosen;
    for (const auto k : drawn) chosen.push_back(values[k]);
    return median(std::move(chosen));
  };
  std::vector<double> differences;
  for (size_t i = 0; i < t.direct.size(); ++i) differences.push_back(t.assembled[i] - t.direct[i]);
  const auto difference = [&](const std::vector<size_t>& drawn) { return of(differences, drawn); };
  // Of one bootstrap draw: the median difference as a share of the median direct step.
  const auto share = [&](const std::vector<size_t>& drawn) {
    return of(differences, drawn) / of(t.direct, drawn);
  };
  const double extra = median(differences), base = median(t.direct);
  const auto d = bootstrap(t.direct.size(), difference), r = bootstrap(t.direct.size(), share);
  fmt::print("  direct step       {:9.3f} ms (median of {} pairs)\n", base * 1e3, t.direct.size());
  fmt::print("  assembled step    {:9.3f} ms\n", median(t.assembled) * 1e3);
  fmt::print("  paired difference {:+9.4f} ms, 95 % interval [{:+.4f}, {:+.4f}]\n", extra * 1e3,
             d.low * 1e3, d.high * 1e3);
  fmt::print("  ratio             {:9.4f},    95 % interval [{:.4f}, {:.4f}]\n", 1 + extra / base,
             1 + r.low, 1 + r.high);
  const auto within = [&](double time, double part) {
    return time <= kAllowedSeconds || part <= kAllowedShare;
  };
  const char* verdict = within(d.high, r.high)        ? "kept"
                        : within(extra, extra / base) ? "kept by the median, not by the interval"
                        : within(d.low, r.low)        ? "not kept by the median"
                                                      : "broken";
  fmt::print("  at most 2 % or 0.3 ms a step: {}\n", verdict);
}

struct Case {
  std::string name, file;
  hilum::Strings overrides;
  int64_t width, depth, size, batch, pairs;
};

hilum::Named random_batch(const Case& c) {
  torch::manual_seed(1);
  return {{"image", torch::rand({c.batch, 1, c.size, c.size})},
          {"mask", (torch::rand({c.batch, 1, c.size, c.size}) > 0.8).to(torch::kFloat)}};
}

// Outputs and, after training, weights must agree bit for bit; else the times mean nothing.
bool same(const char* when, const Tensor& a, const Tensor& b) {
  if (torch::equal(a, b)) return true;
  fmt::print("  {}: outputs differ by up to {}\n", when, (a - b).abs().max().item<double>());
  return false;
}

bool run(const Case& c, int64_t pairs, const hilum::Strings& more) {
  auto overrides = c.overrides;
  overrides.insert(overrides.end(), more.begin(), more.end());
  auto setup =
      train::prepare(hilum::config::Document::load(HILUM_SOURCE_DIR "/" + c.file, overrides));
  train::place(*setup.model, setup.compute);
  Direct direct(setup, c.width, c.depth);
  Assembled assembled(setup);
  const auto batch = random_batch(c);
  int64_t parameters = 0;
  for (const auto& p : direct.parameters()) parameters += p.numel();
  fmt::print("{}: {} parameters, batch {} of {}x{}, {}, {} threads\n", c.name, parameters, c.batch,
             c.size, c.size, setup.compute.precision(), setup.compute.threads);
  std::fflush(stdout);  // what follows takes its time
  const auto image = train::place(batch, setup.compute).at("image");
  if (!same("before", assembled.forward(image), direct.forward(image))) return false;

  Times times;
  constexpr int64_t kWarmUp = 3;
  for (int64_t i = 0; i < pairs + kWarmUp; ++i) {
    double a = 0, d = 0;
    const auto one = [&] { a = seconds([&] { assembled.step(batch); }); };
    const auto other = [&] { d = seconds([&] { direct.step(batch); }); };
    if (i % 2)
      one(), other();
    else
      other(), one();
    if (i >= kWarmUp) times.assembled.push_back(a), times.direct.push_back(d);
  }
  if (!same("after training", assembled.forward(image), direct.forward(image))) return false;
  fmt::print("  outputs equal, before and after {} steps of each\n", pairs + kWarmUp);
  report(times);
  return true;
}

}  // namespace

// overhead_bench [--case small|large] [--pairs N] [a.b=v ...]; exit code 1: outputs differ.
int main(int argc, char** argv) {
  setenv("HILUM_FUSED", "0", 1);  // the same operations on both sides
  std::string only;
  int64_t pairs = 0;
  hilum::Strings overrides;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--case" && i + 1 < argc)
      only = argv[++i];
    else if (word == "--pairs" && i + 1 < argc)
      pairs = std::max(1L, std::atol(argv[++i]));
    else
      overrides.push_back(word);
  }
  const std::vector<Case> cases{
      {"small",
       "experiments/quickstart.toml",
       {"backbone.seg.width=8", "backbone.seg.depth=3", "head.mask.on=seg.S5", "data.roi=[32, 32]"},
       8,
       3,
       32,
       1,
       1000},
      {"large", "experiments/lidc/unet.toml", {}, 32, 5, 64, 16, 120}};
  try {
    bool equal = true;
    for (const auto& c : cases)
      if (only.empty() || only == c.name) equal &= run(c, pairs ? pairs : c.pairs, overrides);
    return equal ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  }
}
