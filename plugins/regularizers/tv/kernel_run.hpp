// SPDX-License-Identifier: Apache-2.0
// The launches of one call. A Launch does them, on a GPU or in a test:
//   forward<Shape>(job), backward<Shape>(job)   a block for each tile of each plane
//   gather(job)                                 one block
#pragma once
#include <algorithm>

#include "kernel_entropic.hpp"
#include "kernel_rof.hpp"
#include "kernels.hpp"

namespace total_variation {

using hilum_kernels::Plan;

template <class Shape>
Plan plan(const KernelCall& c, bool backward, const hilum_kernels::Device& device) {
  return hilum_kernels::plan({.planes = c.planes,
                              .rows = c.rows,
                              .cols = c.cols,
                              .iterations = c.iterations,
                              .reach = 1,
                              .beyond = Shape::kBeyond,
                              .buffers = backward ? Shape::kBackBuffers : Shape::kBuffers},
                             device);
}

inline int launches(const KernelCall& c, const Plan& p) {
  return (c.iterations + p.count - 1) / p.count;
}
inline int64_t numbers(const KernelCall& c) { return c.planes * c.rows * c.cols; }
inline int64_t blocks(const KernelCall& c, const Plan& p) { return c.planes * p.tiling.tiles(); }

/// Between launches two buffers take turns.
inline int64_t between(const KernelCall& c, const Plan& p, int fields) {
  return std::min(launches(c, p) - 1, 2) * fields * numbers(c) *
         static_cast<int64_t>(sizeof(float));
}
template <class Shape>
int64_t scratch(const KernelCall& c, const Plan& p, bool backward) {
  if (!backward) return between(c, p, Shape::kFields);
  const int64_t sums = (launches(c, p) * blocks(c, p) + 1) * kSums;
  return between(c, p, Shape::kBackFields) + sums * static_cast<int64_t>(sizeof(double));
}

inline Common common(const KernelCall& c, const Plan& p) {
  return {p.tiling, c.planes, c.iterations, c.step, c.epsilon, c.u, c.shift, c.lambda};
}

template <class Shape, class Launch>
void run_forward(const KernelCall& c, const Plan& p, float* states, float* z, void* scratch,
                 Launch& launch) {
  const int64_t state = Shape::kFields * p.tiling.plane(), all = c.iterations * state;
  auto* const turns = static_cast<float*>(scratch);
  const auto turn = [&](int i) { return turns + i % 2 * Shape::kFields * numbers(c); };
  for (int i = 0; i < launches(c, p); ++i) {
    const int first = i * p.count, count = std::min(p.count, c.iterations - first);
    Job job{.all = common(c, p), .first = first, .count = count, .out = z};
    if (states) {
      job.states = {states, all};
      if (i > 0) job.before = {states + (Shape::kStateIsBefore ? first : first - 1) * state, all};
    } else {
      if (i > 0) job.before = {turn(i - 1), state};
      if (first + count < c.iterations) job.after = {turn(i), state};
    }
    launch.template forward<Shape>(job);
  }
}

template <class Shape, class Launch>
void run_backward(const KernelCall& c, const Plan& p, const float* states, const float* dz,
                  float* du, float* dshift, float* dlambda, void* scratch, Launch& launch) {
  const int64_t grad = Shape::kBackFields * p.tiling.plane(), a_launch = blocks(c, p) * kSums;
  const int all = launches(c, p);
  auto* const sums = static_cast<double*>(scratch);  // first: they need to be aligned
  auto* const turns = reinterpret_cast<float*>(sums + all * a_launch + kSums);
  const auto turn = [&](int i) { return turns + i % 2 * Shape::kBackFields * numbers(c); };
  for (int i = 0; i < all; ++i) {
    const int end = c.iterations - i * p.count, first = std::max(end - p.count, 0);
    launch.template backward<Shape>(
        // A backward reads its states.
        Job{.all = common(c, p),
            .first = first,
            .count = end - first,
            .before = {i > 0 ? turn(i - 1) : nullptr, grad},
            .after = {first > 0 ? turn(i) : nullptr, grad},
            .states = {const_cast<float*>(states),
                       Shape::kFields * c.iterations * p.tiling.plane()},
            .dz = dz,
            .out = du,
            .sums = sums + i * a_launch});
  }
  launch.gather(GatherJob{.tiling = p.tiling,
                          .planes = static_cast<int>(c.planes),
                          .launches = all,
                          .sums = sums,
                          .total = sums + all * a_launch,
                          .dshift = dshift,
                          .dlambda = dlambda});
}

/// The kernels of a model over one Block.
template <class Shape, bool Isotropic, class Block>
struct Kernel;
template <bool Isotropic, class Block>
struct Kernel<RofShape, Isotropic, Block> {
  using Forward = RofForward<Isotropic, Block>;
  using Backward = RofBackward<Isotropic, Block>;
};
template <bool Isotropic, class Block>
struct Kernel<EntropicShape, Isotropic, Block> {
  using Forward = EntropicForward<Isotropic, Block>;
  using Backward = EntropicBackward<Isotropic, Block>;
};

}  // namespace total_variation
