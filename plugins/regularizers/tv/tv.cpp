// SPDX-License-Identifier: Apache-2.0
// tv: total variation of the probability x = Sig(u), by dual iterations unrolled or as a penalty.
#include <hilum/nn.hpp>

#include <set>

#include "fused.hpp"

namespace {
using hilum::Named;
using hilum::Tensor;
using hilum::Tensors;

// Zeros before and after, along one axis.
Tensor padded(const Tensor& x, int64_t axis, int64_t before, int64_t after) {
  std::vector<int64_t> pad(static_cast<size_t>(2 * (x.dim() - axis)), 0);  // pairs, last axis first
  pad.rbegin()[1] = before, pad.rbegin()[0] = after;
  return torch::constant_pad_nd(x, pad);
}
// To the next voxel along each axis; 0 at the end.
Tensors slopes(const Tensor& x) {
  Tensors g;
  for (int64_t i = 2; i < x.dim(); ++i)
    g.push_back(padded(x.slice(i, 1) - x.slice(i, 0, -1), i, 0, 1));
  return g;
}
// Minus the adjoint of slopes().
Tensor divergence(const Tensors& p) {
  Tensor sum;
  for (int64_t i = 2; i < p[0].dim(); ++i) {
    const Tensor inner = p[static_cast<size_t>(i) - 2].slice(i, 0, -1);
    const Tensor d = padded(inner, i, 0, 1) - padded(inner, i, 1, 0);
    sum = sum.defined() ? sum + d : d;
  }
  return sum;
}
// Sum of f(part) over the parts of a gradient.
template <class F>
Tensor sum_of(const Tensors& g, F f) {
  Tensor sum = f(g[0]);
  for (size_t i = 1; i < g.size(); ++i) sum = sum + f(g[i]);
  return sum;
}
Tensor squares(const Tensors& g) {
  return sum_of(g, [](const Tensor& t) { return t * t; });
}

struct TotalVariation : hilum::Regularizer {
  struct Options {
    std::string model = "entropic", norm = "isotropic", reduce = "voxel";
    int64_t iterations = 10;
    double lambda = 0.1, lambda2 = 0.5, epsilon = 1, step = 0, lr_factor = 1;
    hilum::Strings learn = {"lambda", "lambda2"};
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}
        .add("model", &Options::model,
             "min -<x,u> + epsilon H(x) + lambda TV(x); the logit of min TV(x) + |x-Sig(u)|^2 / "
             "(2 lambda) (Chambolle), clamped to [1e-6, 1-1e-6]; or lambda TV in the loss alone")
        .one_of({"entropic", "rof", "penalty"})
        .add("norm", &Options::norm, "length of a gradient: Euclidean, or the sum of its parts")
        .one_of({"isotropic", "anisotropic"})
        .add("iterations", &Options::iterations, "unrolled dual iterations")
        .range(1, 10000)
        .add("lambda", &Options::lambda,
             "weight of TV. In 'entropic', 0.4 sigma lambda1 of 'std' weighs an edge the same")
        .range(0, 1e4)
        .add("lambda2", &Options::lambda2,
             "weight of the volume where the guide c says 'nothing'; 'entropic' only")
        .range(0, 1e4)
        .add("epsilon", &Options::epsilon, "weight of the entropy; 'entropic' only")
        .range(1e-3, 1e3)
        .add("step", &Options::step,
             "of the dual iterations; 0: epsilon/2 ('rof' 1/4) in 2D, epsilon/3 (1/6) in 3D")
        .range(0, 1e3)
        .add("learn", &Options::learn,
             "which are learned, kept at 0 or above ('rof': 0.001): lambda not in 'penalty', where "
             "training would learn 0; lambda2 where there is a guide")
        .one_of({"lambda", "lambda2"})
        .add("lr_factor", &Options::lr_factor, "learning rate of the learned values, times this")
        .range(0, 1e4)
        .add("reduce", &Options::reduce,
             "'penalty': mean over voxels, or their sum and the mean over samples")
        .one_of({"voxel", "sample"})
        .rule([](const Options& o) { return o.model != "rof" || o.lambda >= kRofLeast; },
              "'lambda' must be at least 0.001 where 'model' is 'rof', which divides by it");
  }

  TotalVariation(const Options& o, const hilum::Site& at) : opt(o) {
    const bool guided = at.in.size() > 1;
    const std::map<std::string, bool> useful{{"lambda", opt.model != "penalty"},
                                             {"lambda2", opt.model == "entropic" && guided}};
    for (const auto& name : std::set<std::string>(opt.learn.begin(), opt.learn.end()))
      if (useful.at(name))
        learned[name] = parameter(
            name, torch::full({1}, name == "lambda" ? opt.lambda : opt.lambda2), opt.lr_factor);
  }

  Tensor forward(const Tensor& u, const Tensor& guide) override {
    if (opt.model == "penalty") return u;
    const double dims = static_cast<double>(u.dim()) - 2, step = opt.step;
    if (opt.model == "rof") return rof(u, step > 0 ? step : 1 / (2 * dims));
    Tensor shift;
    if (guide.defined()) {
      std::vector<int64_t> sizes(static_cast<size_t>(u.dim()), 1);
      sizes[0] = -1;
      shift = value("lambda2", opt.lambda2, 0, u) * (1 - guide.detach().reshape(sizes));
    }
    return entropic(u, shift, step > 0 ? step : opt.epsilon / dims);
  }

  // x = Sig((u - div ξ)/ε), ξ <- ξ - τ∇x put back into |ξ| <= λ; u: logits - shift.
  Tensor entropic(const Tensor& logits, const Tensor& shift, double step) {
    const Tensor lambda = value("lambda", opt.lambda, 0, logits);
    if (total_variation::fuses(logits, {lambda, shift}))
      return total_variation::fused_entropic(
          logits, shift, lambda, {opt.iterations, opt.norm == "isotropic", opt.epsilon, step});
    const Tensor u = shift.defined() ? logits - shift : logits;
    Tensors xi(static_cast<size_t>(u.dim()) - 2, torch::zeros_like(u));
    Tensor z = u / opt.epsilon;
    for (int64_t t = 0; t < opt.iterations; ++t) {
      const Tensors slope = slopes(z.sigmoid());
      for (size_t i = 0; i < xi.size(); ++i) xi[i] = torch::sub(xi[i], slope[i], step);
      project(xi, lambda);
      z = (u - divergence(xi)) / opt.epsilon;
    }
    return z;
  }

  void project(Tensors& xi, const Tensor& lambda) const {
    if (opt.norm == "anisotropic") {
      for (auto& part : xi) part = torch::clamp(part, -lambda, lambda);
      return;
    }
    // Where |ξ| is below λ (or nothing) the factor is 1 and the root is not taken: its slope at 0
    // is infinite.
    const Tensor n = squares(xi);
    const Tensor outside = n > (lambda * lambda).clamp_min(1e-20);
    const Tensor one = torch::ones_like(n);
    const Tensor factor =
        torch::where(outside, lambda * torch::where(outside, n, one).rsqrt(), one);
    for (auto& part : xi) part = part * factor;
  }

  Tensor rof(const Tensor& u, double step) {
    const Tensor lambda = value("lambda", opt.lambda, kRofLeast, u), f = u.sigmoid();
    return torch::logit(denoised(f, lambda, step), 1e-6);
  }
  Tensor denoised(const Tensor& f, const Tensor& lambda, double step) const {
    if (total_variation::fuses(f, {lambda}))
      return total_variation::fused_rof(f, lambda, opt.iterations, opt.norm == "isotropic", step);
    Tensors p(static_cast<size_t>(f.dim()) - 2, torch::zeros_like(f));
    for (int64_t t = 0; t < opt.iterations; ++t) {
      const Tensors g = slopes(divergence(p) - f / lambda);
      const Tensor all = opt.norm == "isotropic" ? length(g) : Tensor();
      for (size_t i = 0; i < p.size(); ++i)
        p[i] = (p[i] + step * g[i]) / (1 + step * (all.defined() ? all : g[i].abs()));
    }
    return f - lambda * divergence(p);
  }

  Named loss(const Tensor& logits) override {
    if (opt.model != "penalty") return {};
    const Tensor tv = length(slopes(logits.sigmoid()));  // [N,K,...]
    return {{"tv", opt.lambda * (opt.reduce == "voxel" ? tv.mean() : tv.flatten(1).sum(1).mean())}};
  }

  Tensor length(const Tensors& g) const {
    // As in the reference: the root needs a slope at 0.
    if (opt.norm == "isotropic") return (squares(g) + 1e-12).sqrt();
    return sum_of(g, [](const Tensor& t) { return t.abs(); });
  }

  // As this step uses it, [1]; logged where it is learned, and put back to its lower bound before
  // a step of training: below it there is no gradient any more.
  Tensor value(const std::string& name, double fixed, double low, const Tensor& u) {
    const auto found = learned.find(name);
    if (found == learned.end()) return torch::full({1}, fixed, u.options());
    if (is_training()) found->second.data().clamp_min_(low);
    const Tensor v = found->second.clamp_min(low);
    log(name, v);
    return v;
  }

  static constexpr double kRofLeast = 1e-3;
  Options opt;
  std::map<std::string, Tensor> learned;
};
}  // namespace

HILUM_PLUGIN(r) {
  r.add<TotalVariation>("tv", "1.0", "total variation: entropic, ROF or as a penalty",
                        "Jia, Liu, Tai, Anal. Appl. 2021, arXiv 1907.05287; Chambolle, JMIV 2004");
}
