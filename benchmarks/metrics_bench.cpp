// SPDX-License-Identifier: Apache-2.0
// All seven metrics of a pair of masks, as the evaluation asks for them. The shapes and radii are
// those of the Python peers' benchmark: ellipses of 3 to 25 voxels in 128x128, of 3 to 8 by 6 to 22
// in 64x128x128.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

#include "core/metrics/mask.hpp"

namespace {

using hilum::metrics::MaskView;
using Triple = std::array<double, 3>;

struct Pair {
  std::vector<uint8_t> pred, truth;
};

std::vector<uint8_t> ellipsoid(const std::vector<int64_t>& size, const Triple& centre,
                               const Triple& radius) {
  std::vector<uint8_t> mask;
  const int64_t depth = size.size() == 3 ? size[0] : 1;
  for (int64_t z = 0; z < depth; ++z)
    for (int64_t y = 0; y < size[size.size() - 2]; ++y)
      for (int64_t x = 0; x < size.back(); ++x) {
        const double dz = size.size() == 3 ? (z - centre[0]) / radius[0] : 0;
        const double dy = (y - centre[1]) / radius[1], dx = (x - centre[2]) / radius[2];
        // A wavy outline, so that the surface is no smooth curve.
        const double wave =
            0.15 * std::sin(3 * std::atan2(dy, dx)) + 0.05 * std::sin(0.9 * (x + y));
        mask.push_back(std::sqrt(dz * dz + dy * dy + dx * dx) + wave < 1);
      }
  return mask;
}

std::vector<Pair> pairs(const std::vector<int64_t>& size, int count) {
  std::mt19937 random(0);
  const bool volume = size.size() == 3;
  std::uniform_real_distribution<double> middle(40, 88), z(20, 44), thick(3, 8),
      radius(volume ? 6 : 3, volume ? 22 : 25), factor(0.75, 1.3);
  std::normal_distribution<double> shift(0, 2);
  std::vector<Pair> made;
  for (int i = 0; i < count; ++i) {
    Triple c{z(random), middle(random), middle(random)};
    Triple r{thick(random), radius(random), radius(random)};
    const auto truth = ellipsoid(size, c, r);
    for (auto& v : c) v += shift(random);
    for (auto& v : r) v *= factor(random);
    made.push_back({ellipsoid(size, c, r), truth});
  }
  return made;
}

void all_metrics(benchmark::State& state, const std::vector<int64_t>& size,
                 const std::vector<double>& spacing, int count) {
  const auto masks = pairs(size, count);
  size_t i = 0;
  for (auto _ : state) {
    const auto& [pred, truth] = masks[i++ % masks.size()];
    benchmark::DoNotOptimize(
        hilum::metrics::compare(MaskView{pred, size, spacing}, MaskView{truth, size, spacing}));
  }
  state.SetItemsProcessed(state.iterations());
}

void pair_2d(benchmark::State& state) { all_metrics(state, {128, 128}, {1.25, 0.7}, 74); }
void pair_3d(benchmark::State& state) { all_metrics(state, {64, 128, 128}, {2.5, 0.7, 0.7}, 20); }
BENCHMARK(pair_2d)->Name("metrics/128x128")->Unit(benchmark::kMicrosecond);
BENCHMARK(pair_3d)->Name("metrics/64x128x128")->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
