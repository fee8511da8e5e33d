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

namespace soft_threshold {
namespace {

// What the kernel reads, each [N,K,...] or a few numbers, all contiguous and without a graph.
struct Inputs {
  Tensor u, shift, kernel, lambda1, epsilon;
  int64_t planes() const { return u.size(0) * u.size(1); }
};

template <class T>
Settings<T> settings(const Inputs& in, Iterations iterations) {
  return {.rows = in.u.size(2),
          .cols = in.u.size(3),
          .iterations = iterations.count,
          .half_size = in.kernel.numel() - 1,
          .replicate = iterations.replicate,
          .weights = in.kernel.const_data_ptr<T>(),
          .lambda1 = in.lambda1.const_data_ptr<T>()[0],
          .epsilon = in.epsilon.const_data_ptr<T>()[0]};
}

// z, and x of each iteration, [N*K,iterations,H,W], where `keep`; a plane a thread at a time.
std::pair<Tensor, Tensor> iterate(const Inputs& in, Iterations iterations, bool keep) {
  const int64_t kept = keep ? iterations.count : std::min<int64_t>(iterations.count, 2);
  const Tensor z = torch::empty_like(in.u);
  // Without a backward a thread's states are its own, and gone with its plane.
  const Tensor states =
      keep ? torch::empty({in.planes(), kept, in.u.size(2), in.u.size(3)}, in.u.options())
           : Tensor();
  AT_DISPATCH_FLOATING_TYPES(in.u.scalar_type(), "soft_threshold", [&] {
    const auto s = settings<scalar_t>(in, iterations);
    const auto* const u = in.u.const_data_ptr<scalar_t>();
    const auto* const shift = in.shift.const_data_ptr<scalar_t>();
    auto* const to = z.mutable_data_ptr<scalar_t>();
    auto* const all = keep ? states.mutable_data_ptr<scalar_t>() : nullptr;
    at::parallel_for(0, in.planes(), 1, [&](int64_t begin, int64_t end) {
      std::vector<scalar_t> own(keep ? 0 : static_cast<size_t>(kept * s.size()));
      for (int64_t i = begin; i < end; ++i)
        forward(s, u + i * s.size(), shift[i], keep ? all + i * kept * s.size() : own.data(), kept,
                to + i * s.size());
    });
  });
  return {z, states};
}

// du, and each plane's share of the rest.
std::pair<Tensor, std::vector<Shared>> gradients(const Inputs& in, Iterations iterations,
                                                 const Tensor& states, const Tensor& dz,
                                                 bool shared_wanted) {
  const Tensor du = torch::empty_like(in.u);
  std::vector<Shared> shared(static_cast<size_t>(in.planes()));
  AT_DISPATCH_FLOATING_TYPES(in.u.scalar_type(), "soft_threshold_backward", [&] {
    const auto s = settings<scalar_t>(in, iterations);
    const auto* const u = in.u.const_data_ptr<scalar_t>();
    const auto* const shift = in.shift.const_data_ptr<scalar_t>();
    const auto* const x = states.const_data_ptr<scalar_t>();
    const auto* const from = dz.const_data_ptr<scalar_t>();
    auto* const to = du.mutable_data_ptr<scalar_t>();
    at::parallel_for(0, in.planes(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        shared[static_cast<size_t>(i)] =
            backward(s, u + i * s.size(), shift[i], x + i * s.iterations * s.size(),
                     from + i * s.size(), shared_wanted, to + i * s.size());
    });
  });
  return {du, shared};
}

struct Fused : torch::autograd::Function<Fused> {
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
    const auto wanted = [&](Input i) { return context->needs_input_grad(static_cast<size_t>(i)); };
    const auto [du, shared] = gradients(
        in, {context->saved_data["count"].toInt(), context->saved_data["replicate"].toBool()},
        v.back(), grads[0].contiguous(), wanted(kKernel) || wanted(kLambda1) || wanted(kEpsilon));
    Shared sum;  // in the order of planes
    std::vector<double> shifts;
    for (const auto& plane : shared) {
      sum.lambda1 += plane.lambda1, sum.epsilon += plane.epsilon;
      for (int64_t r = 0; r <= kLargestHalfSize; ++r) sum.weights[r] += plane.weights[r];
      shifts.push_back(plane.shift);
    }
    const auto tensor = [&](Input i, std::vector<double> values) {
      return wanted(i) ? torch::tensor(values, in.u.options().requires_grad(false)) : Tensor();
    };
    return {wanted(kU) ? du : Tensor(),
            tensor(kShift, shifts),
            tensor(kKernel, {sum.weights, sum.weights + in.kernel.numel()}),
            tensor(kLambda1, {sum.lambda1}),
            tensor(kEpsilon, {sum.epsilon}),
            Tensor()};
  }
};
}  // namespace

void refuse_second_gradients() {
  if (at::GradMode::is_enabled())
    throw hilum::Error(
        "regularizer 'std': a gradient of its gradient was asked for, which its kernel does not "
        "give. Set HILUM_FUSED=0 in the environment.");
}

bool fuses(const Tensor& u, int64_t half_size, const torch::TensorList& others) {
  if (!hilum::fused_kernels()) return false;
  const auto plain = [&](const Tensor& t) {
    return !t.defined() || (t.scalar_type() == torch::kFloat && t.device() == u.device() &&
                            t.layout() == torch::kStrided);
  };
  return u.dim() == 4 && u.numel() > 0 && half_size <= kLargestHalfSize && plain(u) &&
         std::all_of(others.begin(), others.end(), plain) && !torch::jit::tracer::isTracing() &&
         (u.is_cpu() || runs_on_gpu(u));
}

Tensor fused(const Tensor& u, const Tensor& shift, const Tensor& kernel, const Tensor& lambda1,
             const Tensor& epsilon, Iterations iterations) {
  const Inputs in{u.contiguous(),
                  shift.defined() ? shift.expand({u.size(0), u.size(1), 1, 1}).flatten()
                                  : torch::zeros({u.size(0) * u.size(1)}, u.options()),
                  kernel.contiguous(), lambda1.contiguous(), epsilon.contiguous()};
  const bool graph = at::GradMode::is_enabled() &&
                     (in.u.requires_grad() || in.shift.requires_grad() || kernel.requires_grad() ||
                      lambda1.requires_grad() || epsilon.requires_grad());
  if (u.is_cuda())
    return fused_on_gpu(in.u, in.shift, in.kernel, in.lambda1, in.epsilon, iterations, graph);
  if (!graph) return iterate(in, iterations, false).first;
  return Fused::apply(in.u, in.shift, in.kernel, in.lambda1, in.epsilon, iterations);
}

}  // namespace soft_threshold
