// SPDX-License-Identifier: Apache-2.0
#include "plugin_bench.hpp"

#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <cstdio>

#include "core/model/alone.hpp"
#include "core/plugins/loader.hpp"

namespace hilum::bench {
namespace {

struct Subject {
  model::Alone alone;
  Named inputs;
};

// Built when its turn comes: --benchmark_filter and --benchmark_list_tests build nothing else.
Subject build(const Plugin& plugin, const Case& one) {
  torch::manual_seed(0);
  Named inputs;
  for (const auto& [name, shape] : one.inputs) inputs[name] = torch::rand(shape);
  return {model::Alone(plugin, model::options_of(plugin, one.options), inputs), inputs};
}

void forward(benchmark::State& state, const Plugin& plugin, const Case& one) {
  Subject s = build(plugin, one);
  s.alone.module().eval();
  const torch::NoGradGuard no_grad;
  s.alone.forward(s.inputs);  // the first call plans the convolutions
  for (auto _ : state) benchmark::DoNotOptimize(s.alone.forward(s.inputs));
  state.SetItemsProcessed(state.iterations() * one.inputs.at(0).second.at(0));
}

// The gradient of the sum of all outputs to the inputs and parameters, as `hilum forward --grad`.
void backward(benchmark::State& state, const Plugin& plugin, const Case& one) {
  Subject s = build(plugin, one);
  Tensors to = s.alone.module().parameters();
  for (auto& [name, t] : s.inputs) to.push_back(t.set_requires_grad(true));
  const auto step = [&] {
    Tensors outputs, ones;
    for (const auto& [name, t] : s.alone.forward(s.inputs))
      if (t.requires_grad()) outputs.push_back(t), ones.push_back(torch::ones_like(t));
    benchmark::DoNotOptimize(torch::autograd::grad(outputs, to, ones, {}, false, true));
  };
  step();
  for (auto _ : state) step();
  state.SetItemsProcessed(state.iterations() * one.inputs.at(0).second.at(0));
}

}  // namespace

int run(int argc, char** argv, const std::string& address, const std::vector<Case>& cases) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  try {
    plugins::Loader loader;
    const auto slash = address.find('/');
    const Plugin& plugin = loader.load(address.substr(0, slash), address.substr(slash + 1));
    const auto add = [&](const Case& one, const char* what, auto* work) {
      benchmark::RegisterBenchmark(
          (address + "/" + one.name + "/" + what).c_str(),
          [&plugin, &one, work](benchmark::State& state) { work(state, plugin, one); })
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();  // LibTorch's threads count too
    };
    for (const auto& one : cases) {
      add(one, "forward", forward);
      add(one, "forward_backward", backward);
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.fault);
  }
}

}  // namespace hilum::bench
