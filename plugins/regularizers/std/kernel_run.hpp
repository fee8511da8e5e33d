// SPDX-License-Identifier: Apache-2.0
// The launches of one call. A Launch does them, on a GPU or in a test:
//   forward(job), backward(job)   a block for each tile of each plane
//   gather(job)                   one block
#pragma once
#include <algorithm>

#include "kernel_backward.hpp"
#include "kernels.hpp"

namespace soft_threshold {

using hilum_kernels::Plan;

inline Plan plan(const KernelCall& c, int buffers, const hilum_kernels::Device& device) {
  return hilum_kernels::plan({.planes = c.planes,
                              .rows = c.rows,
                              .cols = c.cols,
                              .iterations = c.iterations,
                              .reach = c.half_size,
                              .beyond = 0,
                              .buffers = buffers},
                             device);
}

inline Common common(const KernelCall& c, const Plan& p) {
  return {p.tiling, c.planes,  c.iterations, c.replicate, c.u,
          c.shift,  c.weights, c.lambda1,    c.epsilon};
}
inline int launches(const KernelCall& c, const Plan& p) {
  return (c.iterations + p.count - 1) / p.count;
}
inline int64_t numbers(const KernelCall& c) { return c.planes * c.rows * c.cols; }
inline int sums_of(const KernelCall& c) { return 2 * (c.half_size + 1) + 2; }
inline int64_t blocks(const KernelCall& c, const Plan& p) { return c.planes * p.tiling.tiles(); }

/// Between launches two buffers take turns.
inline int64_t between(const KernelCall& c, const Plan& p) {
  return std::min(launches(c, p) - 1, 2) * numbers(c) * static_cast<int64_t>(sizeof(float));
}
inline int64_t forward_scratch(const KernelCall& c, const Plan& p) { return between(c, p); }
inline int64_t backward_scratch(const KernelCall& c, const Plan& p) {
  const int64_t sums = (launches(c, p) * blocks(c, p) + 1) * sums_of(c);
  return between(c, p) + sums * static_cast<int64_t>(sizeof(double));
}

template <class Launch>
void run_forward(const KernelCall& c, const Plan& p, float* states, float* z, void* scratch,
                 Launch& launch) {
  const int64_t plane = p.tiling.plane();
  auto* const turns = static_cast<float*>(scratch);
  const auto turn = [&](int i) { return turns + i % 2 * numbers(c); };
  for (int i = 0; i < launches(c, p); ++i) {
    const int first = i * p.count, count = std::min(p.count, c.iterations - first);
    ForwardJob job{.all = common(c, p), .first = first, .count = count, .z = z};
    if (states) {
      job.states = {states, c.iterations * plane};
      if (i > 0) job.before = {states + first * plane, c.iterations * plane};
    } else {
      if (i > 0) job.before = {turn(i - 1), plane};
      if (first + count < c.iterations) job.after = {turn(i), plane};
    }
    launch.forward(job);
  }
}

template <class Launch>
void run_backward(const KernelCall& c, const Plan& p, const float* states, const float* dz,
                  float* du, float* dshift, float* shared, void* scratch, Launch& launch) {
  const int64_t plane = p.tiling.plane(), a_launch = blocks(c, p) * sums_of(c);
  const int all = launches(c, p);
  auto* const sums = static_cast<double*>(scratch);  // first: they need to be aligned
  auto* const turns = reinterpret_cast<float*>(sums + all * a_launch + sums_of(c));
  const auto turn = [&](int i) { return turns + i % 2 * numbers(c); };
  for (int i = 0; i < all; ++i) {
    const int end = c.iterations - i * p.count, first = std::max(end - p.count, 0);
    BackwardJob job{.all = common(c, p),
                    .first = first,
                    .count = end - first,
                    .wanted = shared != nullptr,
                    .states = {states, c.iterations * plane},
                    .before = {i > 0 ? turn(i - 1) : dz, plane},
                    .after = {first > 0 ? turn(i) : nullptr, plane},
                    .du = du,
                    .sums = sums + i * a_launch};
    launch.backward(job);
  }
  launch.gather(GatherJob{.all = common(c, p),
                          .launches = all,
                          .sums = sums,
                          .total = sums + all * a_launch,
                          .dshift = dshift,
                          .shared = shared});
}

/// work(a constant half size).
template <int H>
struct HalfSize {
  static constexpr int value = H;
};
template <class Work>
auto with_half_size(int half_size, Work work) {
  switch (half_size) {
    case 1:
      return work(HalfSize<1>());
    case 2:
      return work(HalfSize<2>());
    case 3:
      return work(HalfSize<3>());
    default:
      return work(HalfSize<4>());
  }
}

}  // namespace soft_threshold
