// SPDX-License-Identifier: Apache-2.0
// The plugin on a GPU against itself on a CPU, and that a CPU run is without a GPU's libraries.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <fstream>
#include <iterator>

#include "core/train/compute.hpp"
#include "hilum/plugin.hpp"
#include "tests/parts/kit.hpp"

namespace hilum {
namespace {
using Given = std::map<std::string, Data>;

std::shared_ptr<Regularizer> part(const Given& options, torch::Device device) {
  Values values{{"epsilon", {0.8, "test"}}};
  for (const auto& [name, data] : options) values[name] = {data, "test"};
  const Shape image(4, 1);
  auto made = kit::plugin("regularizer/tv").make(values, {.in = {image, {1, 1}}, .image = image});
  made->to(device);
  made->train();
  return std::dynamic_pointer_cast<Regularizer>(made);
}

// `rof` takes the logit of what its kernel gives.
bool made_by(const Tensor& z, const std::string& name) {
  auto node = z.grad_fn();
  for (int steps = 0; node && steps < 3; ++steps) {
    if (node->name().find(name) != std::string::npos) return true;
    node = node->num_outputs() == 0 ? nullptr : node->next_edge(0).function;
  }
  return false;
}

// z, and the gradients of u and of all learned values.
Named run(const Given& options, const std::vector<int64_t>& sizes, torch::Device device) {
  torch::set_default_dtype(torch::scalarTypeToTypeMeta(torch::kFloat));
  torch::manual_seed(3);
  const Tensor u = (2 * torch::randn(sizes)).to(device).set_requires_grad(true);
  const Tensor weights = (torch::randn(sizes) + 0.25).to(device);
  const Tensor c = torch::rand({sizes[0], 1}).to(device);
  const auto r = part(options, device);
  const Tensor z = r->forward(u, c);
  EXPECT_TRUE(made_by(z, device.is_cuda() ? "FusedOnGpu" : "Fused"));
  (z * weights).sum().backward();
  {
    const torch::NoGradGuard no_grad;
    EXPECT_TRUE(r->forward(u, c).equal(z)) << "without a graph";
  }
  Named all{{"z", z.detach().cpu()}, {"u", u.grad().cpu()}};
  for (const auto& p : r->named_parameters()) all[p.key()] = p.value().grad().cpu();
  return all;
}

TEST(TvGpu, AgreesWithTheCpuAndWithItself) {
  if (!train::cuda_available()) GTEST_SKIP() << "LibTorch sees no GPU here";
#ifndef HILUM_KERNELS_BUILT
  GTEST_SKIP() << "built without nvcc, or with HILUM_CUDA_KERNELS=OFF";
#endif
  for (const auto& sizes : std::vector<std::vector<int64_t>>{
           {1, 1, 1, 9}, {3, 2, 33, 70}, {64, 1, 64, 64}, {10, 1, 128, 128}, {2, 1, 700, 513}})
    for (const char* model : {"rof", "entropic"})
      for (const char* norm : {"isotropic", "anisotropic"}) {
        SCOPED_TRACE(testing::Message() << sizes << " " << model << " " << norm);
        const Given options{{"model", model}, {"norm", norm}};
        const Named here = run(options, sizes, torch::kCPU),
                    there = run(options, sizes, torch::kCUDA),
                    again = run(options, sizes, torch::kCUDA);
        for (const auto& [name, value] : here) {
          EXPECT_TRUE(there.at(name).equal(again.at(name))) << name << " twice";
          // A sum of terms that cancel is as exact as they are large.
          const double terms = static_cast<double>(here.at("u").numel());
          const double least = name == "z" || name == "u" ? 0 : 0.3 * std::sqrt(terms);
          EXPECT_LT((there.at(name) - value).abs().max().item<double>(),
                    1e-5 * std::max(least, value.abs().max().item<double>()))
              << name;
        }
      }
}

TEST(TvGpu, ACpuRunLoadsNoKernels) {
  run({}, {2, 1, 16, 16}, torch::kCPU);
  std::ifstream file("/proc/self/maps");
  const std::string maps{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(maps, ::testing::HasSubstr("regularizer_tv.so"));
  EXPECT_THAT(maps, ::testing::Not(::testing::HasSubstr("cuda_regularizer")));
}
}  // namespace
}  // namespace hilum
