// SPDX-License-Identifier: Apache-2.0
#include "on_gpu.hpp"

#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/torch.h>

#include "kernels.hpp"
#include "library.hpp"

namespace total_variation {
namespace {

const Kernels* kernels() {
  static const Kernels* const found = [] {
    const auto entry =
        reinterpret_cast<decltype(&hilum_tv_kernels)>(hilum_kernels::exported("hilum_tv_kernels"));
    const Kernels* const all = entry ? entry() : nullptr;
    return all && all->version == kKernelsVersion ? all : nullptr;
  }();
  return found;
}

// The model and what it is called with; rof has no shift: an empty tensor.
struct Call {
  bool rof;
  EntropicOptions options;
  Tensor shift, lambda;

  const ModelKernels& model() const { return rof ? kernels()->rof : kernels()->entropic; }
  int64_t fields() const { return rof ? 2 : 3; }
  // like: a tensor [N,K,H,W]. u: its numbers, or null where a backward does without.
  KernelCall of(const Tensor& like, const float* u) const {
    return {.device = like.device().index(),
            .stream = hilum_kernels::stream_of(like),
            .planes = like.size(0) * like.size(1),
            .rows = static_cast<int>(like.size(2)),
            .cols = static_cast<int>(like.size(3)),
            .iterations = static_cast<int>(options.iterations),
            .isotropic = options.isotropic,
            .step = static_cast<float>(options.step),
            .epsilon = static_cast<float>(options.epsilon),
            .u = u,
            .shift = rof ? nullptr : shift.const_data_ptr<float>(),
            .lambda = lambda.const_data_ptr<float>()};
  }
};

// The result, and the states of all iterations, [N*K,iterations,fields,H,W], where `keep`.
std::pair<Tensor, Tensor> iterate(const Tensor& u, const Call& call, bool keep) {
  const c10::DeviceGuard guard(u.device());
  const KernelCall c = call.of(u, u.const_data_ptr<float>());
  const Tensor z = torch::empty_like(u);
  const Tensor states =
      keep ? torch::empty({c.planes, c.iterations, call.fields(), c.rows, c.cols}, u.options())
           : Tensor();
  const Tensor scratch = hilum_kernels::scratch("tv", u, keep ? 0 : call.model().scratch(c, false));
  hilum_kernels::require(
      "tv", call.model().forward(c, keep ? states.mutable_data_ptr<float>() : nullptr,
                                 z.mutable_data_ptr<float>(), scratch.mutable_data_ptr()));
  return {z, states};
}

struct FusedOnGpu : torch::autograd::Function<FusedOnGpu> {
  using Context = torch::autograd::AutogradContext;

  static Tensor forward(Context* context, const Tensor& u, const Tensor& shift,
                        const Tensor& lambda, bool rof, const EntropicOptions& o) {
    const auto [z, states] = iterate(u, {rof, o, shift, lambda}, true);
    context->save_for_backward({rof ? u : Tensor(), shift, lambda, states});
    context->saved_data["rof"] = rof;
    context->saved_data["iterations"] = o.iterations;
    context->saved_data["isotropic"] = o.isotropic;
    context->saved_data["epsilon"] = o.epsilon;
    context->saved_data["step"] = o.step;
    return z;
  }

  static torch::autograd::variable_list backward(Context* context,
                                                 const torch::autograd::variable_list& grads) {
    refuse_second_gradients();
    auto& saved = context->saved_data;
    const auto v = context->get_saved_variables();
    const EntropicOptions o{saved["iterations"].toInt(), saved["isotropic"].toBool(),
                            saved["epsilon"].toDouble(), saved["step"].toDouble()};
    const Call call{saved["rof"].toBool(), o, v[1], v[2]};
    const Tensor dz = grads[0].contiguous();
    const c10::DeviceGuard guard(dz.device());
    const KernelCall c = call.of(dz, call.rof ? v[0].const_data_ptr<float>() : nullptr);
    const Tensor du = torch::empty_like(dz), dshift = torch::empty_like(call.shift),
                 dlambda = torch::empty({1}, dz.options());
    const Tensor scratch = hilum_kernels::scratch("tv", dz, call.model().scratch(c, true));
    hilum_kernels::require(
        "tv", call.model().backward(c, v[3].const_data_ptr<float>(), dz.const_data_ptr<float>(),
                                    du.mutable_data_ptr<float>(),
                                    call.rof ? nullptr : dshift.mutable_data_ptr<float>(),
                                    dlambda.mutable_data_ptr<float>(), scratch.mutable_data_ptr()));
    const auto wanted = [&](size_t i, const Tensor& t) {
      return context->needs_input_grad(i) ? t : Tensor();
    };
    return {wanted(0, du), wanted(1, dshift), wanted(2, dlambda), Tensor(), Tensor()};
  }
};

Tensor on_gpu(const Tensor& u, const Tensor& shift, const Tensor& lambda, bool rof,
              const EntropicOptions& options, bool graph) {
  if (!graph) return iterate(u, {rof, options, shift, lambda}, false).first;
  return FusedOnGpu::apply(u, shift, lambda, rof, options);
}
}  // namespace

bool runs_on_gpu(const Tensor& u) {
  return hilum_kernels::fits(u) && kernels() && !kernels()->usable(u.device().index());
}

Tensor rof_on_gpu(const Tensor& f, const Tensor& lambda, int64_t iterations, bool isotropic,
                  double step, bool graph) {
  return on_gpu(f, torch::empty({0}, f.options().requires_grad(false)), lambda, true,
                {iterations, isotropic, 1, step}, graph);
}

Tensor entropic_on_gpu(const Tensor& u, const Tensor& shift, const Tensor& lambda,
                       const EntropicOptions& options, bool graph) {
  return on_gpu(u, shift, lambda, false, options, graph);
}

}  // namespace total_variation
