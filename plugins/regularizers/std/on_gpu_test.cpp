// SPDX-License-Identifier: Apache-2.0
// What stands between LibTorch and the kernels for a GPU, with kernels that a processor plays,
// against the operation for a CPU.
#include "on_gpu.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "emulated_launch.hpp"

namespace soft_threshold {
namespace {

int usable_asked = 0, forwards = 0, backwards = 0, shared_asked = 0;

Emulated launcher(const KernelCall& c, const Plan& p) {
  return {.half_size = c.half_size, .floats = p.shared_bytes / 4, .blocks = blocks(c, p)};
}
// So small a device that most planes are cut into tiles and into launches.
Plan plan_for(const KernelCall& c, bool backward) {
  return plan(c, backward ? kBackwardBuffers : kForwardBuffers, {4, 12 * 1024});
}

const char* usable(int) {
  ++usable_asked;
  return nullptr;
}
int64_t scratch(const KernelCall& c, bool backward) {
  const Plan p = plan_for(c, backward);
  return backward ? backward_scratch(c, p) : forward_scratch(c, p);
}
const char* forward(const KernelCall& c, float* states, float* z, void* scratch) {
  ++forwards;
  if (c.iterations == 13) return "thirteen";
  const Plan p = plan_for(c, false);
  Emulated launch = launcher(c, p);
  run_forward(c, p, states, z, scratch, launch);
  return nullptr;
}
const char* backward(const KernelCall& c, const float* states, const float* dz, float* du,
                     float* dshift, float* shared, void* scratch) {
  ++backwards, shared_asked += shared != nullptr;
  const Plan p = plan_for(c, true);
  Emulated launch = launcher(c, p);
  run_backward(c, p, states, dz, du, dshift, shared, scratch, launch);
  return nullptr;
}
const Kernels* table() {
  static constexpr Kernels all{kKernelsVersion, usable, scratch, forward, backward};
  return &all;
}

struct Example {
  Example(const std::vector<int64_t>& sizes, int64_t half) {
    torch::manual_seed(3);
    const auto leaf = [](const Tensor& t) { return t.set_requires_grad(true); };
    weights = torch::randn(sizes) + 0.25;
    in = {leaf(2 * torch::randn(sizes)), leaf(torch::rand({sizes[0], 1, 1, 1})),
          leaf(torch::rand({half + 1}) / static_cast<double>(2 * half + 1)),
          leaf(torch::full({1}, 1.5)), leaf(torch::full({1}, 0.8))};
  }
  std::vector<Tensor> of(const Tensor& z) const {
    auto all = torch::autograd::grad({(z * weights).sum()}, in);
    all.push_back(z.detach());
    return all;
  }
  Tensor on_gpu(Iterations iterations, bool graph = true) const {
    const Tensor& u = in[0];
    return fused_on_gpu(u, in[1].expand({u.size(0), u.size(1), 1, 1}).flatten(), in[2], in[3],
                        in[4], iterations, graph);
  }
  std::vector<Tensor> in;
  Tensor weights;
};

TEST(StdOnGpu, GradientsOfAllInputsAsOnACpu) {
  for (const bool replicate : {false, true})
    for (const int64_t half : {1, 3})
      for (const auto& sizes : std::vector<std::vector<int64_t>>{{3, 2, 9, 7}, {2, 1, 60, 41}}) {
        const Example e(sizes, half);
        const Iterations iterations{10, replicate};
        const auto ours = e.of(e.on_gpu(iterations));
        const auto theirs = e.of(fused(e.in[0], e.in[1], e.in[2], e.in[3], e.in[4], iterations));
        for (size_t i = 0; i < ours.size(); ++i) {
          ASSERT_EQ(ours[i].sizes(), theirs[i].sizes()) << i;
          EXPECT_LT((ours[i] - theirs[i]).abs().max().item<double>(),
                    1e-5 * std::max(1.0, theirs[i].abs().max().item<double>()))
              << i;
        }
        EXPECT_TRUE(e.on_gpu(iterations, false).equal(ours.back())) << "without a graph";
      }
}

TEST(StdOnGpu, OnlyWhatIsWantedIsAskedFor) {
  const Example e({1, 1, 9, 7}, 2);
  for (size_t i = 1; i < e.in.size(); ++i) e.in[i].set_requires_grad(false);
  const int before = shared_asked, runs = backwards;
  torch::autograd::grad({e.on_gpu({10, false}).sum()}, {e.in[0]});
  EXPECT_EQ(backwards, runs + 1);
  EXPECT_EQ(shared_asked, before);
}

TEST(StdOnGpu, AFailureIsAnErrorAndAGradientOfItsGradientIsRefused) {
  const Example e({1, 1, 9, 7}, 2);
  EXPECT_THROW(e.on_gpu({13, false}), std::runtime_error);
  const Tensor z = e.on_gpu({10, false}).sum();
  EXPECT_THROW(torch::autograd::grad({z}, {e.in[0]}, {}, true, true), std::runtime_error);
}

TEST(StdOnGpu, ACpuRunAsksForNoKernels) {
  const Example e({1, 1, 9, 7}, 2);
  const int before = usable_asked + forwards;
  EXPECT_TRUE(fuses(e.in[0], 2, {}));
  fused(e.in[0], e.in[1], e.in[2], e.in[3], e.in[4], {10, false});
  EXPECT_EQ(usable_asked + forwards, before);
  EXPECT_TRUE(runs_on_gpu(e.in[0]));  // it would
  EXPECT_GT(usable_asked, 0);
}
}  // namespace
}  // namespace soft_threshold

namespace hilum_kernels {
void* emulated_entry();
void* emulated_entry() { return reinterpret_cast<void*>(&soft_threshold::table); }
}  // namespace hilum_kernels
