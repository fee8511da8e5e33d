// SPDX-License-Identifier: Apache-2.0
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/torch.h>

#include <algorithm>
#include <vector>

#include "fused.hpp"
#include "on_gpu.hpp"
#include "plane.hpp"

namespace total_variation {
namespace {
using Context = torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <class T>
Entropic<T> settings(const Tensor& u, const Tensor& lambda, const EntropicOptions& o) {
  return {.size = {u.size(2), u.size(3)},
          .iterations = o.iterations,
          .isotropic = o.isotropic,
          .lambda = lambda.const_data_ptr<T>()[0],
          .epsilon = static_cast<T>(o.epsilon),
          .step = static_cast<T>(o.step)};
}

// z, and the states of all iterations, [N*K,iterations,3,H,W], where `keep`; a plane a thread at a
// time. shift: [N*K].
std::pair<Tensor, Tensor> iterate(const Tensor& u, const Tensor& shift, const Tensor& lambda,
                                  const EntropicOptions& o, bool keep) {
  const int64_t planes = u.size(0) * u.size(1);
  const int64_t kept = keep ? o.iterations : std::min<int64_t>(o.iterations, 2);
  const Tensor z = torch::empty_like(u);
  const Tensor states =
      keep ? torch::empty({planes, kept, 3, u.size(2), u.size(3)}, u.options()) : Tensor();
  AT_DISPATCH_FLOATING_TYPES(u.scalar_type(), "entropic", [&] {
    const auto s = settings<scalar_t>(u, lambda, o);
    const int64_t plane = s.size.plane(), room = 3 * kept * plane;
    const auto* const from = u.const_data_ptr<scalar_t>();
    const auto* const less = shift.const_data_ptr<scalar_t>();
    auto* const all = keep ? states.mutable_data_ptr<scalar_t>() : nullptr;
    auto* const to = z.mutable_data_ptr<scalar_t>();
    at::parallel_for(0, planes, 1, [&](int64_t begin, int64_t end) {
      std::vector<scalar_t> own(keep ? 0 : static_cast<size_t>(room));
      for (int64_t i = begin; i < end; ++i)
        forward(s, from + i * plane, less[i], keep ? all + i * room : own.data(), kept,
                to + i * plane);
    });
  });
  return {z, states};
}

// du, and each plane's share of the gradient to λ and to its shift.
std::pair<Tensor, std::vector<EntropicSlopes>> gradients(const Tensor& lambda,
                                                         const EntropicOptions& o,
                                                         const Tensor& states, const Tensor& dz) {
  const Tensor du = torch::empty_like(dz);
  const int64_t planes = states.size(0);
  std::vector<EntropicSlopes> slopes(static_cast<size_t>(planes));
  AT_DISPATCH_FLOATING_TYPES(dz.scalar_type(), "entropic_backward", [&] {
    const auto s = settings<scalar_t>(dz, lambda, o);
    const int64_t plane = s.size.plane(), room = 3 * o.iterations * plane;
    const auto* const all = states.const_data_ptr<scalar_t>();
    const auto* const from = dz.const_data_ptr<scalar_t>();
    auto* const to = du.mutable_data_ptr<scalar_t>();
    at::parallel_for(0, planes, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        slopes[static_cast<size_t>(i)] =
            backward(s, all + i * room, from + i * plane, to + i * plane);
    });
  });
  return {du, slopes};
}

struct FusedEntropic : torch::autograd::Function<FusedEntropic> {
  static Tensor forward(Context* context, const Tensor& u, const Tensor& shift,
                        const Tensor& lambda, int64_t iterations, bool isotropic, double epsilon,
                        double step) {
    const auto [z, states] =
        iterate(u, shift, lambda, {iterations, isotropic, epsilon, step}, true);
    context->save_for_backward({lambda, states});
    context->saved_data["iterations"] = iterations;
    context->saved_data["isotropic"] = isotropic;
    context->saved_data["epsilon"] = epsilon;
    context->saved_data["step"] = step;
    return z;
  }

  static variable_list backward(Context* context, const variable_list& grads) {
    refuse_second_gradients();
    auto& saved = context->saved_data;
    const EntropicOptions o{saved["iterations"].toInt(), saved["isotropic"].toBool(),
                            saved["epsilon"].toDouble(), saved["step"].toDouble()};
    const auto v = context->get_saved_variables();
    const auto [du, slopes] = gradients(v[0], o, v[1], grads[0].contiguous());
    double lambda = 0;  // in the order of planes
    std::vector<double> shifts;
    for (const auto& plane : slopes) lambda += plane.lambda, shifts.push_back(plane.shift);
    const auto options = v[0].options().requires_grad(false);
    return {context->needs_input_grad(0) ? du : Tensor(),
            context->needs_input_grad(1) ? torch::tensor(shifts, options) : Tensor(),
            context->needs_input_grad(2) ? torch::full({1}, lambda, options) : Tensor(),
            Tensor(),
            Tensor(),
            Tensor(),
            Tensor()};
  }
};
}  // namespace

Tensor fused_entropic(const Tensor& u, const Tensor& shift, const Tensor& lambda,
                      const EntropicOptions& o) {
  const Tensor all = u.contiguous();
  const Tensor less = shift.defined() ? shift.expand({u.size(0), u.size(1), 1, 1}).flatten()
                                      : torch::zeros({u.size(0) * u.size(1)}, u.options());
  const bool graph = at::GradMode::is_enabled() &&
                     (all.requires_grad() || less.requires_grad() || lambda.requires_grad());
  if (all.is_cuda()) return entropic_on_gpu(all, less, lambda, o, graph);
  if (!graph) return iterate(all, less, lambda, o, false).first;
  return FusedEntropic::apply(all, less, lambda, o.iterations, o.isotropic, o.epsilon, o.step);
}

}  // namespace total_variation
