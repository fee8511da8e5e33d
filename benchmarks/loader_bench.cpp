// SPDX-License-Identifier: Apache-2.0
// From regions in memory to batches of tensors: slices a second of one Sampler::load, and of a
// whole epoch through the Loader. Phantoms, augmented, 64x64, batches of 16.
#include <benchmark/benchmark.h>

#include "core/data/samples.hpp"

namespace {

namespace data = hilum::data;
constexpr int64_t kBatch = 16;

struct Phantoms {
  hilum::config::DataOptions options;
  data::RegionSet set;
  std::unique_ptr<data::Sampler> sampler;

  Phantoms() {
    options.roi = {64, 64};
    options.flip = options.rotate90 = true;
    set = data::read_regions(options);
    std::vector<size_t> all(set.regions.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = i;
    sampler = std::make_unique<data::Sampler>(set, all, options, 0, true);
  }
};
const Phantoms& phantoms() {
  static const Phantoms made;
  return made;
}

void load(benchmark::State& state) {
  const auto& sampler = *phantoms().sampler;
  const auto order = sampler.epoch(0);
  const int64_t batches = static_cast<int64_t>(order.size()) / kBatch;
  int64_t next = 0;
  for (auto _ : state) {
    const int64_t first = next++ % batches * kBatch;
    const auto samples = std::span(order).subspan(static_cast<size_t>(first), kBatch);
    benchmark::DoNotOptimize(sampler.load(samples, 0, first));
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}

// Nobody uses the batches here: the figure is what the loader can deliver at most.
void epoch(benchmark::State& state) {
  const auto& sampler = *phantoms().sampler;
  int64_t slices = 0, number = 0;
  for (auto _ : state) {
    data::Loader loader(sampler, number++, kBatch, /*drop_last=*/false, state.range(0));
    for (data::Batch batch; loader.next(batch);)
      slices += static_cast<int64_t>(batch.samples.size());
  }
  state.SetItemsProcessed(slices);
}

BENCHMARK(load)->Name("sampler/load")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(epoch)
    ->Name("loader/epoch")
    ->ArgName("workers")
    ->Arg(0)
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
