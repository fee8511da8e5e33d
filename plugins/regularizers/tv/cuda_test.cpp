// SPDX-License-Identifier: Apache-2.0
// The kernels for a GPU, played on a processor, against the kernels for a CPU in double.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "emulated_launch.hpp"
#include "plane.hpp"

namespace total_variation {
namespace {
struct Example {
  int planes, rows, cols, iterations;
  bool rof, isotropic;
  std::vector<float> u, dz, shift;
  float lambda = 0.3F, epsilon = 0.75F, step = 0.2F;

  Example(int n, int r, int c, int t, bool is_rof, bool iso)
      : planes(n), rows(r), cols(c), iterations(t), rof(is_rof), isotropic(iso) {
    std::mt19937 chance(3);
    std::normal_distribution<float> normal;
    for (int64_t i = 0; i < int64_t{n} * r * c; ++i) {
      const float some = 2 * normal(chance);
      u.push_back(rof ? 1 / (1 + std::exp(-some)) : some);
      dz.push_back(normal(chance) + 0.25F);
    }
    for (int i = 0; i < n; ++i) shift.push_back(0.3F * static_cast<float>(i));
  }
  KernelCall call() const {
    return {.planes = planes,
            .rows = rows,
            .cols = cols,
            .iterations = iterations,
            .isotropic = isotropic,
            .step = step,
            .epsilon = epsilon,
            .u = u.data(),
            .shift = shift.data(),
            .lambda = &lambda};
  }
};

using Values = std::vector<std::pair<std::string, std::vector<double>>>;

std::vector<double> wide(const std::vector<float>& v) { return {v.begin(), v.end()}; }

// How a call is cut into tiles and launches.
struct Cut {
  int tile_rows, tile_cols, count;
};
constexpr Cut kWhole{1000, 1000, 1000};

template <class Shape>
Values ours(const Example& e, const Cut& cut, Order order = Order::forwards, int threads = 32) {
  const KernelCall c = e.call();
  const int count = std::min(cut.count, e.iterations);
  const Plan p{
      .tiling = {e.rows, e.cols, std::min(cut.tile_rows, e.rows), std::min(cut.tile_cols, e.cols)},
      .count = count,
      .halo = count + Shape::kBeyond};
  const auto launcher = [&](int buffers) {
    return Emulated{e.isotropic, buffers * p.tiling.held(p.halo), blocks(c, p), order, threads};
  };
  const auto room = [&](bool backward) {
    const auto bytes = static_cast<size_t>(scratch<Shape>(c, p, backward));
    return std::vector<double>(bytes / 8 + 1, std::nan(""));
  };
  const size_t n = e.u.size();
  std::vector<float> states(n * static_cast<size_t>(Shape::kFields * e.iterations), std::nanf("")),
      z(n), alone(n), du(n, std::nanf("")), dshift(static_cast<size_t>(e.planes)), dlambda(1);
  Emulated forward = launcher(Shape::kBuffers), backward = launcher(Shape::kBackBuffers);
  run_forward<Shape>(c, p, states.data(), z.data(), nullptr, forward);
  auto scratch = room(false);
  run_forward<Shape>(c, p, nullptr, alone.data(), scratch.data(), forward);
  EXPECT_EQ(z, alone) << "without states";
  scratch = room(true);
  run_backward<Shape>(c, p, states.data(), e.dz.data(), du.data(), e.rof ? nullptr : dshift.data(),
                      dlambda.data(), scratch.data(), backward);
  EXPECT_TRUE(count < e.iterations || forward.launched / 2 + backward.launched == 3);
  return {{"z", wide(z)},
          {"states", wide(states)},
          {"u", wide(du)},
          {"shift", wide(dshift)},
          {"lambda", wide(dlambda)}};
}
Values ours(const Example& e, const Cut& cut, Order order = Order::forwards, int threads = 32) {
  return e.rof ? ours<RofShape>(e, cut, order, threads)
               : ours<EntropicShape>(e, cut, order, threads);
}

Values theirs(const Example& e) {
  const auto u = wide(e.u), dz = wide(e.dz);
  const Size shape{e.rows, e.cols};
  const auto size = static_cast<size_t>(shape.plane());
  const size_t room = (e.rof ? 2 : 3) * size * static_cast<size_t>(e.iterations);
  const auto lambda = static_cast<double>(e.lambda), epsilon = static_cast<double>(e.epsilon),
             step = static_cast<double>(e.step);
  const Rof<double> rof{shape, e.iterations, e.isotropic, lambda, step};
  const Entropic<double> entropic{shape, e.iterations, e.isotropic, lambda, epsilon, step};
  std::vector<double> z(u.size()), du(u.size()), shift,
      states(room * static_cast<size_t>(e.planes)), slope(1);
  for (size_t i = 0; i < static_cast<size_t>(e.planes); ++i) {
    const size_t at = i * size;
    double* const state = &states[i * room];
    if (e.rof) {
      forward(rof, &u[at], state, e.iterations, &z[at]);
      slope[0] += backward(rof, &u[at], state, &dz[at], &du[at]);
      shift.push_back(0);
    } else {
      forward(entropic, &u[at], static_cast<double>(e.shift[i]), state, e.iterations, &z[at]);
      const EntropicSlopes one = backward(entropic, state, &dz[at], &du[at]);
      slope[0] += one.lambda, shift.push_back(one.shift);
    }
  }
  return {{"z", z}, {"states", states}, {"u", du}, {"shift", shift}, {"lambda", slope}};
}

// A sum of terms that cancel is as exact as they are large: λ's have 1/λ² as a factor.
void expect_close(const Values& a, const Values& b, double terms) {
  for (size_t k = 0; k < a.size(); ++k) {
    const auto& [name, one] = a[k];
    const auto& other = b[k].second;
    ASSERT_EQ(one.size(), other.size()) << name;
    double apart = 0, size = name == "shift" || name == "lambda" ? 0.3 * std::sqrt(terms) : 1e-3;
    for (size_t i = 0; i < one.size(); ++i) {
      ASSERT_TRUE(std::isfinite(one[i])) << name << " " << i;
      apart = std::max(apart, std::abs(one[i] - other[i]));
      size = std::max(size, std::abs(other[i]));
    }
    EXPECT_LT(apart, 1e-5 * size) << name << " of size " << size;
  }
}

class TvCudaTwin : public ::testing::TestWithParam<std::tuple<bool, bool, int>> {
 protected:
  Example example(int planes, int rows, int cols) const {
    const auto [rof, isotropic, iterations] = GetParam();
    return {planes, rows, cols, iterations, rof, isotropic};
  }
};

TEST_P(TvCudaTwin, WholePlanesAgreeWithTheCpu) {
  for (const auto& [rows, cols] : {std::pair{1, 1}, {1, 9}, {9, 1}, {7, 5}, {33, 70}}) {
    SCOPED_TRACE(testing::Message() << rows << "x" << cols);
    const Example e = example(3, rows, cols);
    expect_close(ours(e, kWhole), theirs(e), static_cast<double>(e.u.size()));
  }
}

TEST_P(TvCudaTwin, TilesAgreeWithTheCpu) {
  for (const Cut& cut : {Cut{16, 24, 100}, {16, 24, 3}, {40, 7, 1}, {1, 70, 4}}) {
    SCOPED_TRACE(testing::Message()
                 << cut.tile_rows << "x" << cut.tile_cols << " by " << cut.count);
    const Example e = example(2, 33, 70);
    const Values all = ours(e, cut), whole = ours(e, kWhole);
    expect_close(all, theirs(e), static_cast<double>(e.u.size()));
    for (size_t k = 0; k < 3; ++k)  // z, states, u: how it is cut changes sums alone
      EXPECT_EQ(all[k].second, whole[k].second) << all[k].first;
  }
}

TEST_P(TvCudaTwin, NoPhaseDependsOnTheOrderOfThreads) {
  for (const Cut& cut : {kWhole, Cut{9, 12, 2}}) {
    const Example e = example(2, 17, 23);
    const Values all = ours(e, cut, Order::forwards);
    EXPECT_EQ(ours(e, cut, Order::backwards), all);
    EXPECT_EQ(ours(e, cut, Order::mixed), all);
    expect_close(ours(e, cut, Order::mixed, 7), all, static_cast<double>(e.u.size()));
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, TvCudaTwin,
                         ::testing::Combine(::testing::Bool(), ::testing::Bool(),
                                            ::testing::Values(1, 2, 10)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param) ? "rof" : "entropic") +
                                  (std::get<1>(info.param) ? "_isotropic" : "_anisotropic") +
                                  "_by" + std::to_string(std::get<2>(info.param));
                         });
}  // namespace
}  // namespace total_variation
