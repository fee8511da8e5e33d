// SPDX-License-Identifier: Apache-2.0
// What stands between LibTorch and the kernels for a GPU, with kernels that a processor plays,
// against the operation for a CPU.
#include "on_gpu.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "emulated_launch.hpp"

namespace total_variation {
namespace {

int forwards = 0;

// So small a device that most planes are cut into tiles and into launches.
template <class Shape>
Plan plan_for(const KernelCall& c, bool backward) {
  return plan<Shape>(c, backward, {4, 12 * 1024});
}
Emulated launcher(const KernelCall& c, const Plan& p) {
  return {c.isotropic, p.shared_bytes / 4, blocks(c, p), Order::forwards, 32};
}

const char* usable(int) { return nullptr; }
template <class Shape>
int64_t scratch_of(const KernelCall& c, bool backward) {
  return scratch<Shape>(c, plan_for<Shape>(c, backward), backward);
}
template <class Shape>
const char* forward(const KernelCall& c, float* states, float* z, void* scratch) {
  ++forwards;
  if (c.iterations == 13) return "thirteen";
  const Plan p = plan_for<Shape>(c, false);
  Emulated launch = launcher(c, p);
  run_forward<Shape>(c, p, states, z, scratch, launch);
  return nullptr;
}
template <class Shape>
const char* backward(const KernelCall& c, const float* states, const float* dz, float* du,
                     float* dshift, float* dlambda, void* scratch) {
  const Plan p = plan_for<Shape>(c, true);
  Emulated launch = launcher(c, p);
  run_backward<Shape>(c, p, states, dz, du, dshift, dlambda, scratch, launch);
  return nullptr;
}
template <class Shape>
constexpr ModelKernels kModel{scratch_of<Shape>, forward<Shape>, backward<Shape>};
const Kernels* table() {
  static constexpr Kernels all{kKernelsVersion, usable, kModel<RofShape>, kModel<EntropicShape>};
  return &all;
}

struct Example {
  Example(const std::vector<int64_t>& sizes, bool is_rof, bool isotropic, int64_t iterations = 10)
      : rof(is_rof), options{iterations, isotropic, 0.75, 0.2} {
    torch::manual_seed(3);
    const auto leaf = [](const Tensor& t) { return t.set_requires_grad(true); };
    weights = torch::randn(sizes) + 0.25;
    u = leaf(rof ? torch::rand(sizes) : 2 * torch::randn(sizes));
    shift = leaf(torch::rand({sizes[0], 1, 1, 1})), lambda = leaf(torch::full({1}, 0.3));
  }
  // z and the gradients of all inputs.
  std::vector<Tensor> of(const Tensor& z) const {
    auto all =
        torch::autograd::grad({(z * weights).sum()}, rof ? std::vector<Tensor>{u, lambda}
                                                         : std::vector<Tensor>{u, lambda, shift});
    all.push_back(z.detach());
    return all;
  }
  Tensor on_gpu(bool graph = true) const {
    if (rof)
      return rof_on_gpu(u, lambda, options.iterations, options.isotropic, options.step, graph);
    return entropic_on_gpu(u, shift.expand({u.size(0), u.size(1), 1, 1}).flatten(), lambda, options,
                           graph);
  }
  Tensor on_cpu() const {
    if (rof) return fused_rof(u, lambda, options.iterations, options.isotropic, options.step);
    return fused_entropic(u, shift, lambda, options);
  }
  bool rof;
  EntropicOptions options;
  Tensor u, shift, lambda, weights;
};

TEST(TvOnGpu, GradientsOfAllInputsAsOnACpu) {
  for (const bool rof : {false, true})
    for (const bool isotropic : {false, true})
      for (const auto& sizes : std::vector<std::vector<int64_t>>{{3, 2, 9, 7}, {2, 1, 60, 41}}) {
        const Example e(sizes, rof, isotropic);
        const auto ours = e.of(e.on_gpu()), theirs = e.of(e.on_cpu());
        for (size_t i = 0; i < ours.size(); ++i) {
          ASSERT_EQ(ours[i].sizes(), theirs[i].sizes()) << i;
          EXPECT_LT((ours[i] - theirs[i]).abs().max().item<double>(),
                    1e-5 * std::max(10.0, theirs[i].abs().max().item<double>()))
              << i;
        }
        EXPECT_TRUE(e.on_gpu(false).equal(ours.back())) << "without a graph";
      }
}

TEST(TvOnGpu, AFailureIsAnErrorAndAGradientOfItsGradientIsRefused) {
  for (const bool rof : {false, true}) {
    EXPECT_THROW(Example({1, 1, 9, 7}, rof, true, 13).on_gpu(), std::runtime_error);
    const Example e({1, 1, 9, 7}, rof, true);
    const Tensor z = e.on_gpu().sum();
    EXPECT_THROW(torch::autograd::grad({z}, {e.u}, {}, true, true), std::runtime_error);
  }
}

TEST(TvOnGpu, ACpuRunAsksForNoKernels) {
  const Example e({1, 1, 9, 7}, false, true);
  const int before = forwards;
  EXPECT_TRUE(fuses(e.u, {}));
  e.on_cpu();
  EXPECT_EQ(forwards, before);
}
}  // namespace
}  // namespace total_variation

namespace hilum_kernels {
void* emulated_entry();
void* emulated_entry() { return reinterpret_cast<void*>(&total_variation::table); }
}  // namespace hilum_kernels
