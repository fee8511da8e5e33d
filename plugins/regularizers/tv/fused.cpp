// SPDX-License-Identifier: Apache-2.0
#include "fused.hpp"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/torch.h>

#include <algorithm>
#include <hilum/error.hpp>
#include <hilum/simd.hpp>
#include <vector>

#include "on_gpu.hpp"
#include "plane.hpp"

namespace total_variation {
namespace {
using Context = torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct RofOptions {
  int64_t iterations;
  bool isotropic;
  double step;
};

template <class T>
Rof<T> settings(const Tensor& f, const Tensor& lambda, const RofOptions& o) {
  return {.size = {f.size(2), f.size(3)},
          .iterations = o.iterations,
          .isotropic = o.isotropic,
          .lambda = lambda.const_data_ptr<T>()[0],
          .step = static_cast<T>(o.step)};
}

// x, and the fields of all iterations, [N*K,iterations,2,H,W], where `keep`; a plane a thread at a
// time.
std::pair<Tensor, Tensor> iterate(const Tensor& f, const Tensor& lambda, const RofOptions& o,
                                  bool keep) {
  const int64_t planes = f.size(0) * f.size(1);
  const int64_t kept = keep ? o.iterations : std::min<int64_t>(o.iterations, 2);
  const Tensor x = torch::empty_like(f);
  // Without a backward a thread's fields are its own, and gone with its planes.
  const Tensor states =
      keep ? torch::empty({planes, kept, 2, f.size(2), f.size(3)}, f.options()) : Tensor();
  AT_DISPATCH_FLOATING_TYPES(f.scalar_type(), "rof", [&] {
    const auto s = settings<scalar_t>(f, lambda, o);
    const int64_t plane = s.size.plane(), room = 2 * kept * plane;
    const auto* const from = f.const_data_ptr<scalar_t>();
    auto* const all = keep ? states.mutable_data_ptr<scalar_t>() : nullptr;
    auto* const to = x.mutable_data_ptr<scalar_t>();
    at::parallel_for(0, planes, 1, [&](int64_t begin, int64_t end) {
      std::vector<scalar_t> own(keep ? 0 : static_cast<size_t>(room));
      for (int64_t i = begin; i < end; ++i)
        forward(s, from + i * plane, keep ? all + i * room : own.data(), kept, to + i * plane);
    });
  });
  return {x, states};
}

// df, and each plane's share of the gradient to λ.
std::pair<Tensor, std::vector<double>> gradients(const Tensor& f, const Tensor& lambda,
                                                 const RofOptions& o, const Tensor& states,
                                                 const Tensor& dx) {
  const Tensor df = torch::empty_like(f);
  std::vector<double> slopes(static_cast<size_t>(f.size(0) * f.size(1)));
  AT_DISPATCH_FLOATING_TYPES(f.scalar_type(), "rof_backward", [&] {
    const auto s = settings<scalar_t>(f, lambda, o);
    const int64_t plane = s.size.plane(), room = 2 * o.iterations * plane;
    const auto* const from = f.const_data_ptr<scalar_t>();
    const auto* const all = states.const_data_ptr<scalar_t>();
    const auto* const d = dx.const_data_ptr<scalar_t>();
    auto* const to = df.mutable_data_ptr<scalar_t>();
    at::parallel_for(0, f.size(0) * f.size(1), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        slopes[static_cast<size_t>(i)] =
            backward(s, from + i * plane, all + i * room, d + i * plane, to + i * plane);
    });
  });
  return {df, slopes};
}

struct FusedRof : torch::autograd::Function<FusedRof> {
  static Tensor forward(Context* context, const Tensor& f, const Tensor& lambda, int64_t iterations,
                        bool isotropic, double step) {
    const auto [x, states] = iterate(f, lambda, {iterations, isotropic, step}, true);
    context->save_for_backward({f, lambda, states});
    context->saved_data["iterations"] = iterations;
    context->saved_data["isotropic"] = isotropic;
    context->saved_data["step"] = step;
    return x;
  }

  static variable_list backward(Context* context, const variable_list& grads) {
    refuse_second_gradients();
    auto& saved = context->saved_data;
    const RofOptions o{saved["iterations"].toInt(), saved["isotropic"].toBool(),
                       saved["step"].toDouble()};
    const auto v = context->get_saved_variables();
    const auto [df, slopes] = gradients(v[0], v[1], o, v[2], grads[0].contiguous());
    double sum = 0;  // in the order of planes
    for (const double slope : slopes) sum += slope;
    return {context->needs_input_grad(0) ? df : Tensor(),
            context->needs_input_grad(1)
                ? torch::full({1}, sum, v[1].options().requires_grad(false))
                : Tensor(),
            Tensor(), Tensor(), Tensor()};
  }
};
}  // namespace

void refuse_second_gradients() {
  if (at::GradMode::is_enabled())
    throw hilum::Error(
        "regularizer 'tv': a gradient of its gradient was asked for, which its kernel does not "
        "give. Set HILUM_FUSED=0 in the environment.");
}

bool fuses(const Tensor& u, const torch::TensorList& others) {
  if (!hilum::fused_kernels()) return false;
  const auto plain = [&](const Tensor& t) {
    return !t.defined() || (t.scalar_type() == torch::kFloat && t.device() == u.device() &&
                            t.layout() == torch::kStrided);
  };
  return u.dim() == 4 && u.numel() > 0 && plain(u) &&
         std::all_of(others.begin(), others.end(), plain) && !torch::jit::tracer::isTracing() &&
         (u.is_cpu() || runs_on_gpu(u));
}

Tensor fused_rof(const Tensor& f, const Tensor& lambda, int64_t iterations, bool isotropic,
                 double step) {
  const Tensor all = f.contiguous();
  const bool graph = at::GradMode::is_enabled() && (all.requires_grad() || lambda.requires_grad());
  if (all.is_cuda()) return rof_on_gpu(all, lambda, iterations, isotropic, step, graph);
  if (!graph) return iterate(all, lambda, {iterations, isotropic, step}, false).first;
  return FusedRof::apply(all, lambda, iterations, isotropic, step);
}

}  // namespace total_variation
