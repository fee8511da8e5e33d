// SPDX-License-Identifier: Apache-2.0
// The kernels for a GPU, played on a processor, against the kernel for a CPU in double.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "emulated_launch.hpp"
#include "plane.hpp"

namespace soft_threshold {
namespace {
struct Example {
  int planes, rows, cols, iterations, half_size;
  bool replicate;
  std::vector<float> u, dz, shift, weights;
  float lambda1 = 1.5F, epsilon = 0.8F;

  Example(int n, int r, int c, int t, int h, bool rep)
      : planes(n), rows(r), cols(c), iterations(t), half_size(h), replicate(rep) {
    std::mt19937 chance(3);
    std::normal_distribution<float> normal;
    for (int64_t i = 0; i < int64_t{n} * r * c; ++i)
      u.push_back(2 * normal(chance)), dz.push_back(normal(chance) + 0.25F);
    for (int i = 0; i < n; ++i) shift.push_back(0.3F * static_cast<float>(i));
    for (int i = 0; i <= h; ++i) weights.push_back(0.4F / static_cast<float>(1 + i * i));
  }
  KernelCall call() const {
    return {.planes = planes,
            .rows = rows,
            .cols = cols,
            .iterations = iterations,
            .half_size = half_size,
            .replicate = replicate,
            .u = u.data(),
            .shift = shift.data(),
            .weights = weights.data(),
            .lambda1 = &lambda1,
            .epsilon = &epsilon};
  }
};

using Values = std::vector<std::pair<std::string, std::vector<double>>>;

std::vector<double> wide(const std::vector<float>& v) { return {v.begin(), v.end()}; }

// How a call is cut into tiles and launches.
struct Cut {
  int tile_rows, tile_cols, count;
};

Plan plan_of(const Example& e, const Cut& cut) {
  const int count = std::min(cut.count, e.iterations);
  return {
      .tiling = {e.rows, e.cols, std::min(cut.tile_rows, e.rows), std::min(cut.tile_cols, e.cols)},
      .count = count,
      .halo = count * e.half_size};
}
Emulated launcher(const Example& e, const Plan& p, int buffers) {
  return {.half_size = e.half_size,
          .floats = buffers * p.tiling.held(p.halo),
          .blocks = e.planes * p.tiling.tiles()};
}

Values ours(const Example& e, const Cut& cut, Order order = Order::forwards, int threads = 32) {
  const KernelCall c = e.call();
  const Plan p = plan_of(e, cut);
  const size_t n = e.u.size();
  const auto room = [](int64_t bytes) {
    return std::vector<double>(static_cast<size_t>(bytes) / 8 + 1, std::nan(""));
  };
  std::vector<float> states(n * static_cast<size_t>(e.iterations), std::nanf("")), z(n), alone(n),
      du(n, std::nanf("")), dshift(static_cast<size_t>(e.planes)),
      shared(static_cast<size_t>(e.half_size + 3));
  Emulated forward = launcher(e, p, kForwardBuffers), backward = launcher(e, p, kBackwardBuffers);
  forward.order = backward.order = order;
  forward.threads = backward.threads = threads;
  run_forward(c, p, states.data(), z.data(), nullptr, forward);
  auto scratch = room(forward_scratch(c, p));
  run_forward(c, p, nullptr, alone.data(), scratch.data(), forward);
  EXPECT_EQ(z, alone) << "without states";
  scratch = room(backward_scratch(c, p));
  run_backward(c, p, states.data(), e.dz.data(), du.data(), dshift.data(), shared.data(),
               scratch.data(), backward);
  EXPECT_TRUE(p.count < e.iterations || forward.launched / 2 + backward.launched == 3);
  auto du_alone = du, dshift_alone = dshift;
  run_backward(c, p, states.data(), e.dz.data(), du_alone.data(), dshift_alone.data(), nullptr,
               scratch.data(), backward);
  EXPECT_EQ(du, du_alone) << "without shared gradients";
  EXPECT_EQ(dshift, dshift_alone);
  return {{"z", wide(z)},
          {"x", wide(states)},
          {"u", wide(du)},
          {"shift", wide(dshift)},
          {"shared", wide(shared)}};
}

Values theirs(const Example& e) {
  const auto u = wide(e.u), dz = wide(e.dz), weights = wide(e.weights);
  const Settings<double> s{.rows = e.rows,
                           .cols = e.cols,
                           .iterations = e.iterations,
                           .half_size = e.half_size,
                           .replicate = e.replicate,
                           .weights = weights.data(),
                           .lambda1 = static_cast<double>(e.lambda1),
                           .epsilon = static_cast<double>(e.epsilon)};
  const auto size = static_cast<size_t>(s.size());
  std::vector<double> z(u.size()), du(u.size()),
      states(u.size() * static_cast<size_t>(e.iterations)), shift,
      shared(static_cast<size_t>(e.half_size + 3));
  for (size_t i = 0; i < static_cast<size_t>(e.planes); ++i) {
    double* const x = &states[i * size * static_cast<size_t>(e.iterations)];
    const auto less = static_cast<double>(e.shift[i]);
    forward(s, &u[i * size], less, x, e.iterations, &z[i * size]);
    const Shared one = backward(s, &u[i * size], less, x, &dz[i * size], true, &du[i * size]);
    shift.push_back(one.shift);
    for (size_t r = 0; r <= static_cast<size_t>(e.half_size); ++r) shared[r] += one.weights[r];
    shared[shared.size() - 2] += one.lambda1, shared.back() += one.epsilon;
  }
  return {{"z", z}, {"x", states}, {"u", du}, {"shift", shift}, {"shared", shared}};
}

// A sum of terms that cancel is as exact as they are large.
void expect_close(const Values& a, const Values& b, double terms) {
  for (size_t k = 0; k < a.size(); ++k) {
    const auto& [name, one] = a[k];
    const auto& other = b[k].second;
    ASSERT_EQ(one.size(), other.size()) << name;
    double apart = 0, size = name == "shift" || name == "shared" ? 0.05 * std::sqrt(terms) : 0;
    for (size_t i = 0; i < one.size(); ++i) {
      ASSERT_TRUE(std::isfinite(one[i])) << name << " " << i;
      apart = std::max(apart, std::abs(one[i] - other[i]));
      size = std::max(size, std::abs(other[i]));
    }
    EXPECT_LT(apart, 1e-5 * size) << name << " of size " << size;
  }
}

class StdCudaTwin : public ::testing::TestWithParam<std::tuple<bool, int, int>> {
 protected:
  const bool replicate = std::get<0>(GetParam());
  const int half = std::get<1>(GetParam()), iterations = std::get<2>(GetParam());
  Example example(int planes, int rows, int cols) const {
    return {planes, rows, cols, iterations, half, replicate};
  }
};

constexpr Cut kWhole{1000, 1000, 1000};

TEST_P(StdCudaTwin, WholePlanesAgreeWithTheCpu) {
  for (const auto& [rows, cols] : {std::pair{1, 1}, {1, 9}, {9, 1}, {7, 5}, {33, 70}}) {
    SCOPED_TRACE(testing::Message() << rows << "x" << cols);
    const Example e = example(3, rows, cols);
    expect_close(ours(e, kWhole), theirs(e), static_cast<double>(e.u.size()));
  }
}

TEST_P(StdCudaTwin, TilesAgreeWithTheCpu) {
  for (const Cut& cut : {Cut{16, 24, 100}, {16, 24, 3}, {40, 7, 1}, {1, 70, 4}}) {
    SCOPED_TRACE(testing::Message()
                 << cut.tile_rows << "x" << cut.tile_cols << " by " << cut.count);
    const Example e = example(2, 33, 70);
    const Values all = ours(e, cut), whole = ours(e, kWhole);
    expect_close(all, theirs(e), static_cast<double>(e.u.size()));
    for (size_t k = 0; k < 3; ++k)  // z, x, u: how it is cut changes sums alone
      EXPECT_EQ(all[k].second, whole[k].second) << all[k].first;
  }
}

TEST_P(StdCudaTwin, NoPhaseDependsOnTheOrderOfThreads) {
  for (const Cut& cut : {kWhole, Cut{9, 12, 2}}) {
    const Example e = example(2, 17, 23);
    const Values all = ours(e, cut, Order::forwards);
    EXPECT_EQ(ours(e, cut, Order::backwards), all);
    EXPECT_EQ(ours(e, cut, Order::mixed), all);
    expect_close(ours(e, cut, Order::mixed, 7), all, static_cast<double>(e.u.size()));
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, StdCudaTwin,
                         ::testing::Combine(::testing::Bool(), ::testing::Values(1, 2, 3, 4),
                                            ::testing::Values(1, 2, 10)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param) ? "replicate" : "zero") +
                                  "_half" + std::to_string(std::get<1>(info.param)) + "_by" +
                                  std::to_string(std::get<2>(info.param));
                         });
}  // namespace
}  // namespace soft_threshold
