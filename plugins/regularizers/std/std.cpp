// SPDX-License-Identifier: Apache-2.0
// std: soft threshold dynamics, x <- Sig((u - λ1 K*(1-2x) - λ2(1-c)) / ε), unrolled from x =
// Sig(u).
#include <hilum/nn.hpp>

#include <algorithm>
#include <cstdint>
#include <set>

#include "fused.hpp"

namespace {
using hilum::Tensor;

struct SoftThreshold : hilum::Regularizer {
  struct Options {
    int64_t iterations = 10, half_size = 2;
    double sigma = 1, lambda1 = 1, lambda2 = 0.5, epsilon = 1, lr_factor = 1;
    std::string padding = "zero", positivity = "project";
    hilum::Strings learn = {"sigma", "lambda2"};
    bool energy = false;
  };
  // A fixed number, or a learned tensor [1].
  struct Quantity {
    double start, low;
    Tensor learned = {};
  };
  using Quantities = std::map<std::string, Quantity>;
  static Quantities quantities_of(const Options& o) {
    return {{"sigma", {o.sigma, 0.1}},
            {"lambda1", {o.lambda1, 0}},
            {"lambda2", {o.lambda2, 0}},
            {"epsilon", {o.epsilon, 1e-3}}};
  }
  static hilum::Schema<Options> schema() {
    const auto starts_inside = [](const Options& o) {
      const auto all = quantities_of(o);
      return o.positivity != "softplus" ||
             std::all_of(o.learn.begin(), o.learn.end(),
                         [&](const auto& name) { return all.at(name).start > all.at(name).low; });
    };
    return hilum::Schema<Options>{}
        .add("iterations", &Options::iterations, "unrolled iterations; 0: the logits as they are")
        .range(0, 1000)
        .add("half_size", &Options::half_size, "the kernel reaches this far: 2 is 5 wide", "voxels")
        .range(1, 64)
        .add("sigma", &Options::sigma, "width of the Gaussian kernel K", "voxels")
        .range(0.1, 1000)
        .add("lambda1", &Options::lambda1, "weight of the boundary's length")
        .range(0, 1e4)
        .add("lambda2", &Options::lambda2, "weight of the volume where the guide c says 'nothing'")
        .range(0, 1e4)
        .add("epsilon", &Options::epsilon, "weight of the entropy: smaller is harder")
        .range(1e-3, 1e3)
        .add("padding", &Options::padding, "1-2x outside the image: 0, or the border's value")
        .one_of({"zero", "replicate"})
        .add("learn", &Options::learn, "which are learned (lambda2 only where there is a guide)")
        .one_of({"sigma", "lambda1", "lambda2", "epsilon"})
        .add("positivity", &Options::positivity,
             "learned values stay above sigma 0.1, epsilon 0.001, lambda 0: put back there before "
             "a step ('project'), bound + softplus(NAME_raw), or not at all")
        .one_of({"project", "softplus", "none"})
        .add("lr_factor", &Options::lr_factor, "learning rate of the learned values, times this")
        .range(0, 1e4)
        .add("energy", &Options::energy,
             "log the functional (eq. 5) before and after each iteration, mean over samples")
        .rule(starts_inside,
              "a learned value cannot start at its lower bound where 'positivity' is 'softplus', "
              "which never gets there. Start it higher, or leave it out of 'learn'");
  }

  SoftThreshold(const Options& o, const hilum::Site& at) : opt(o), quantities(quantities_of(o)) {
    const bool guided = at.in.size() > 1, soft = opt.positivity == "softplus";
    for (const auto& name : std::set<std::string>(opt.learn.begin(), opt.learn.end())) {
      if (opt.iterations == 0 || (name == "lambda2" && !guided)) continue;  // nothing to learn from
      auto& q = quantities.at(name);
      const double above = q.start - q.low, raw = soft ? above + std::log(-std::expm1(-above)) : 0;
      q.learned = parameter(soft ? name + "_raw" : name, torch::full({1}, soft ? raw : q.start),
                            opt.lr_factor);
    }
  }

  Tensor forward(const Tensor& u, const Tensor& guide) override {
    if (opt.iterations == 0) return u;
    const Tensor kernel = gaussian(value("sigma", u));
    const Tensor lambda1 = value("lambda1", u), epsilon = value("epsilon", u);
    const Tensor shift = guide.defined() ? value("lambda2", u) * absence(guide, u.dim()) : Tensor();
    if (!opt.energy && soft_threshold::fuses(u, opt.half_size, {kernel, lambda1, epsilon, shift}))
      return soft_threshold::fused(u, shift, kernel, lambda1, epsilon,
                                   {opt.iterations, opt.padding == "replicate"});
    const Tensor pull = shift.defined() ? u - shift : u;
    hilum::Tensors energies;
    Tensor z = u;  // x = Sig(z)
    for (int64_t t = 0;; ++t) {
      if (opt.energy) energies.push_back(energy(z, pull, kernel, lambda1, epsilon));
      if (t == opt.iterations) break;
      z = (pull - lambda1 * blur(torch::rsub(z.sigmoid(), 1, 2), kernel)) / epsilon;
    }
    if (opt.energy) log("energy", torch::stack(energies));
    return z;
  }

  // 1 - c of each sample, [N,1,...]; a classifier is never taught by what it guides.
  static Tensor absence(const Tensor& guide, int64_t dim) {
    std::vector<int64_t> sizes(static_cast<size_t>(dim), 1);
    sizes[0] = -1;
    return 1 - guide.detach().reshape(sizes);
  }

  // As this step uses it, [1]; logged where it is learned.
  Tensor value(const std::string& name, const Tensor& u) {
    const auto& q = quantities.at(name);
    if (!q.learned.defined()) return torch::full({1}, q.start, u.options());
    Tensor v = q.learned;
    if (opt.positivity == "softplus") v = q.low + torch::softplus(v);
    if (opt.positivity == "project") {
      // Left below its bound it would get no gradient any more. Through data(), since a graph of
      // an earlier forward may still hold it.
      if (is_training()) v.data().clamp_min_(q.low);
      v = v.clamp_min(q.low);
    }
    log(name, v);
    return v;
  }

  // One axis of K from its middle on, [h+1]. In float64: the gradient to σ is a small difference of
  // what the weights receive.
  Tensor gaussian(const Tensor& sigma) const {
    const Tensor wide = sigma.to(torch::kDouble);
    const Tensor r = torch::arange(opt.half_size + 1, wide.options());
    const Tensor g = torch::exp(-r * r / (2 * wide * wide));
    return (g / (2 * g.sum() - 1)).to(sigma.scalar_type());
  }

  // K * y, one axis after the other, as a sum of shifted copies: what convolutions of one channel
  // give, but several times faster in training on a CPU, and never rounded to TF32 on a GPU.
  Tensor blur(Tensor y, const Tensor& g) const {
    const int64_t h = opt.half_size;
    for (int64_t axis = 2; axis < y.dim(); ++axis) {
      std::vector<int64_t> pad(static_cast<size_t>(2 * y.dim() - 4), 0);  // pairs, last axis first
      const auto pair = static_cast<size_t>(2 * (y.dim() - 1 - axis));
      pad[pair] = pad[pair + 1] = h;
      const Tensor wide = at::pad(y, pad, opt.padding == "zero" ? "constant" : "replicate");
      const auto from = [&](int64_t first) {  // sizes are counted from the end, for a trace
        return wide.slice(axis, first, first < 2 * h ? first - 2 * h : INT64_MAX);
      };
      Tensor sum = y * g[0];
      for (int64_t r = 1; r <= h; ++r) sum = torch::addcmul(sum, from(h - r) + from(h + r), g[r]);
      y = sum;
    }
    return y;
  }

  // Eq. 5 at x = Sig(z), the mean over samples; pull is u - λ2(1-c). In float64, since near the
  // end it falls by less than float32 can tell.
  Tensor energy(const Tensor& z, const Tensor& pull, const Tensor& kernel, const Tensor& lambda1,
                const Tensor& epsilon) const {
    const torch::NoGradGuard no_grad;
    const Tensor x = z.to(torch::kDouble).sigmoid(), y = z.to(torch::kDouble).neg().sigmoid();
    const Tensor entropy = torch::xlogy(x, x) + torch::xlogy(y, y);
    const Tensor boundary = x * blur(y, kernel.to(torch::kDouble));
    return (lambda1 * boundary + epsilon * entropy - x * pull).flatten(1).sum(1).mean();
  }

  Options opt;
  Quantities quantities;
};
}  // namespace

HILUM_PLUGIN(r) {
  r.add<SoftThreshold>("std", "1.0",
                       "soft threshold dynamics: short boundaries, and no volume where a guide "
                       "sees no nodule",
                       "Liu, Wang, Tai, JMIV 2022, arXiv 2002.03989; Zhang et al., QIMS 2025, "
                       "arXiv 2410.20154, eqs. 3-6");
}
