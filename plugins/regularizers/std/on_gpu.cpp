// SPDX-License-Identifier: Apache-2.0
#include "on_gpu.hpp"

#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/torch.h>

#include "kernels.hpp"
#include "library.hpp"

namespace soft_threshold {
namespace {

const Kernels* kernels() {
  static const Kernels* const found = [] {
    const auto entry = reinterpret_cast<decltype(&hilum_std_kernels)>(
        hilum_kernels::exported("hilum_std_kernels"));
    const Kernels* const all = entry ? entry() : nullptr;
    return all && all->version == kKernelsVersion ? all : nullptr;
  }();
  return found;
}

struct Inputs {
  Tensor u, shift, kernel, lambda1, epsilon;
};

KernelCall call(const Inputs& in, Iterations iterations) {
  return {.device = in.u.device().index(),
          .stream = hilum_kernels::stream_of(in.u),
          .planes = in.u.size(0) * in.u.size(1),
          .rows = static_cast<int>(in.u.size(2)),
          .cols = static_cast<int>(in.u.size(3)),
          .iterations = static_cast<int>(iterations.count),
          .half_size = static_cast<int>(in.kernel.numel() - 1),
          .replicate = iterations.replicate,
          .u = in.u.const_data_ptr<float>(),
          .shift = in.shift.const_data_ptr<float>(),
          .weights = in.kernel.const_data_ptr<float>(),
          .lambda1 = in.lambda1.const_data_ptr<float>(),
          .epsilon = in.epsilon.const_data_ptr<float>()};
}

// z, and x of each iteration, [N*K,iterations,H,W], where `keep`.
std::pair<Tensor, Tensor> iterate(const Inputs& in, Iterations iterations, bool keep) {
  const c10::DeviceGuard guard(in.u.device());
  const KernelCall c = call(in, iterations);
  const Tensor z = torch::empty_like(in.u);
  const Tensor states =
      keep ? torch::empty({c.planes, c.iterations, c.rows, c.cols}, in.u.options()) : Tensor();
  const Tensor scratch =
      hilum_kernels::scratch("std", in.u, keep ? 0 : kernels()->scratch(c, false));
  hilum_kernels::require(
      "std", kernels()->forward(c, keep ? states.mutable_data_ptr<float>() : nullptr,
                                z.mutable_data_ptr<float>(), scratch.mutable_data_ptr()));
  return {z, states};
}

struct FusedOnGpu : torch::autograd::Function<FusedOnGpu> {
  using Context = torch::autograd::AutogradContext;
  enum Input { kU, kShift, kKernel, kLambda1, kEpsilon };

  static Tensor forward(Context* context, const Tensor& u, const Tensor& shift,
                        const Tensor& kernel, const Tensor& lambda1, const Tensor& epsilon,
                        Iterations iterations) {
    const auto [z, states] = iterate({u, shift, kernel, lambda1, epsilon}, iterations, true);
    context->save_for_backward({u, shift, kernel, lambda1, epsilon, states});
    context->saved_data["count"] = iterations.count;
    context->saved_data["replicate"] = iterations.replicate;
    return z;
  }

  static torch::autograd::variable_list backward(Context* context,
                                                 const torch::autograd::variable_list& grads) {
    refuse_second_gradients();
    const auto v = context->get_saved_variables();
    const Inputs in{v[kU], v[kShift], v[kKernel], v[kLambda1], v[kEpsilon]};
    const c10::DeviceGuard guard(in.u.device());
    const KernelCall c =
        call(in, {context->saved_data["count"].toInt(), context->saved_data["replicate"].toBool()});
    const auto wanted = [&](Input i) { return context->needs_input_grad(static_cast<size_t>(i)); };
    const Tensor dz = grads[0].contiguous(), du = torch::empty_like(in.u),
                 dshift = torch::empty_like(in.shift),
                 shared = torch::empty({c.half_size + 3}, in.u.options());
    const bool any = wanted(kKernel) || wanted(kLambda1) || wanted(kEpsilon);
    const Tensor scratch = hilum_kernels::scratch("std", in.u, kernels()->scratch(c, true));
    hilum_kernels::require(
        "std", kernels()->backward(c, v.back().const_data_ptr<float>(), dz.const_data_ptr<float>(),
                                   du.mutable_data_ptr<float>(), dshift.mutable_data_ptr<float>(),
                                   any ? shared.mutable_data_ptr<float>() : nullptr,
                                   scratch.mutable_data_ptr()));
    const auto part = [&](Input i, int64_t from, int64_t count) {
      return wanted(i) ? shared.narrow(0, from, count) : Tensor();
    };
    return {wanted(kU) ? du : Tensor(),         wanted(kShift) ? dshift : Tensor(),
            part(kKernel, 0, c.half_size + 1),  part(kLambda1, c.half_size + 1, 1),
            part(kEpsilon, c.half_size + 2, 1), Tensor()};
  }
};
}  // namespace

bool runs_on_gpu(const Tensor& u) {
  return hilum_kernels::fits(u) && kernels() && !kernels()->usable(u.device().index());
}

Tensor fused_on_gpu(const Tensor& u, const Tensor& shift, const Tensor& kernel,
                    const Tensor& lambda1, const Tensor& epsilon, Iterations iterations,
                    bool graph) {
  if (!graph) return iterate({u, shift, kernel, lambda1, epsilon}, iterations, false).first;
  return FusedOnGpu::apply(u, shift, kernel, lambda1, epsilon, iterations);
}

}  // namespace soft_threshold
