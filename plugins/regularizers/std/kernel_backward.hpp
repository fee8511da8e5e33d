// SPDX-License-Identifier: Apache-2.0
// Backward of std over one tile, and the sum of what tiles found. Shared memory has G, D = Hᵀ G,
// and V y of the tile's own rows: plane.cpp has the mathematics.
#pragma once
#include "kernel_forward.hpp"

namespace soft_threshold {

/// What one block of one launch found: for each distance what the weights receive along rows, then
/// along columns (both twice at 0), then the sum of all G, and of G (u - shift).
template <int H>
constexpr int kSums = 2 * (H + 1) + 2;

struct BackwardJob {
  Common all;
  int first, count;            // iterations of this launch, which goes from the last to the first
  bool wanted;                 // the gradients to weights, λ1 and ε
  Planes<const float> states;  // x of each iteration, [iterations,rows,cols] a plane
  Planes<const float> before;  // G of the last one
  Planes<float> after;         // G of the one before the first, where there is one
  float* du;                   // between launches: the sum of all G so far
  double* sums;                // [blocks,kSums]
};

constexpr int kBackwardBuffers = 3;

template <int H, class Block>
struct Backward {
  using Doubles = typename Block::template Own<double, kSums<H>>;
  using Floats = typename Block::template Own<float, kSums<H>>;

  Block& block;
  const BackwardJob& job;
  const int64_t index;
  const Tile tile;
  const Weights<H> w;
  float *const grad, *const d, *const v;
  const int64_t plane;
  const float *const u, *const states;
  float* const du;
  const float rate, slope;

  ON_DEVICE Backward(Block& b, const BackwardJob& j, int64_t i, float* shared)
      : block(b),
        job(j),
        index(i),
        tile(j.all.tiling, i, H * j.count),
        w(j.all.weights),
        grad(shared),
        d(grad + tile.room()),
        v(d + tile.room()),
        plane(j.all.tiling.plane()),
        u(j.all.u + tile.plane * plane),
        states(j.states.of(tile.plane)),
        du(j.du + tile.plane * plane),
        rate(1 / *j.all.epsilon),
        slope(2 * *j.all.lambda1 * rate) {}

  ON_DEVICE void run() {
    const float* const before = job.before.of(tile.plane);
    block.each(tile.held, [&](int r, int c) { grad[tile.at(r, c)] = before[tile.in_plane(r, c)]; });
    Doubles sums(block);
    for (int s = 0; s < job.count; ++s) {
      const int t = job.first + job.count - 1 - s;
      iterate(states + t * plane, t + 1 == job.all.iterations, (job.count - 1 - s) * H, sums);
    }
    if (job.first == 0)
      finish(sums);
    else
      block.each(tile.own, [&](int r, int c) {
        job.after.of(tile.plane)[tile.in_plane(r, c)] = grad[tile.at(r, c)];
      });
    block.sum(sums, job.sums + index * kSums<H>);
  }

  // From G of an iteration's result to G of its x, of the tile and `halo` around it.
  ON_DEVICE void iterate(const float* x, bool starts, int halo, Doubles& sums) {
    const int rows = tile.all.rows, cols = tile.all.cols;
    const Area tall = tile.around(halo + H, halo), out = tile.around(halo);
    each_along(block, tall, [&](int r, int c) {
      const Strip<H> strip(c, cols, least(tall.right + H, cols), false,
                           [&](int i) { return grad[tile.at(r, i)]; });
      UNROLL for (int i = 0; i < kStrip; ++i) {
        if (c + i < tall.right) d[tile.at(r, c + i)] = strip.blur_back(w, i, job.all.replicate);
      }
    });
    if (job.wanted) weigh(x, sums);
    each_down(block, out, [&](int r, int c) {
      const Strip<H> strip(r, rows, least(out.bottom + H, rows), false,
                           [&](int i) { return d[tile.at(i, c)]; });
      UNROLL for (int i = 0; i < kStrip; ++i) {
        if (r + i < out.bottom)
          settle(x, starts, r + i, c, strip.blur_back(w, i, job.all.replicate));
      }
    });
  }

  // G of a place, after its part in the sum of all G.
  ON_DEVICE void settle(const float* x, bool starts, int r, int c, float back) {
    const int64_t i = tile.in_plane(r, c);
    float& g = grad[tile.at(r, c)];
    if (tile.own.has(r, c)) du[i] = (starts ? 0 : du[i]) + g;
    const float p = x[i];
    g = slope * back * (p * (1 - p));
  }

  // The tile's share of what the weights receive.
  ON_DEVICE void weigh(const float* x, Doubles& sums) {
    const int rows = tile.all.rows, cols = tile.all.cols;
    const bool replicate = job.all.replicate;
    const auto down = [&](int r, int c) {
      const float* const from = x + tile.in_plane(r, c);
      return line(r, rows, replicate,
                  [from, cols](int k) { return 1 - 2 * from[static_cast<int64_t>(k) * cols]; });
    };
    const Area wide = tile.around(0, H);
    const auto at = [&](int r, int c) { return (r - wide.top) * wide.cols() + c - wide.left; };
    each_down(block, wide, [&](int r, int c) {
      const Strip<H> strip(r, rows, least(wide.bottom + H, rows), replicate,
                           [&](int i) { return 1 - 2 * x[tile.in_plane(i, c)]; });
      UNROLL for (int i = 0; i < kStrip; ++i) {
        if (r + i < wide.bottom) v[at(r + i, c)] = strip.blur(w, i);
      }
    });
    Floats some(block);  // of a thread in one iteration; doubles are slow
    block.each(tile.own, [&](int r, int c) {
      const float* const from = v + at(r, c);
      const auto along = line(c, cols, replicate, [&](int k) { return from[k]; });
      const auto column = down(r, c);
      const float g = grad[tile.at(r, c)], back = d[tile.at(r, c)];
      const bool inner = along.inner(H) && column.inner(H);
      UNROLL for (int k = 0; k <= H; ++k) {
        some[k] += g * (inner ? along.value(-k) + along.value(k) : along.both(k));
        some[H + 1 + k] += back * (inner ? column.value(-k) + column.value(k) : column.both(k));
      }
    });
    add(some, sums);
  }

  // du, from the sum of all G and from that of the first x.
  ON_DEVICE void finish(Doubles& sums) {
    const float shift = job.all.shift[tile.plane];
    Floats some(block);
    block.each(tile.own, [&](int r, int c) {
      const int64_t i = tile.in_plane(r, c);
      const float all = du[i];
      some[kSums<H> - 2] += all;
      some[kSums<H> - 1] += all * (u[i] - shift);
      du[i] = all * rate + grad[tile.at(r, c)];
    });
    add(some, sums);
  }

  ON_DEVICE void add(Floats& some, Doubles& sums) {
    block.threads([&] {
      for (int k = 0; k < kSums<H>; ++k) sums[k] += static_cast<double>(some[k]);
    });
  }
};

struct GatherJob {
  Common all;
  int launches;
  const double* sums;      // [launches,planes,tiles,kSums]
  double* total;           // [kSums]
  float *dshift, *shared;  // shared: null where it is not wanted
};

/// One block: adds what all blocks found, in their order.
template <int H, class Block>
ON_DEVICE void gather(Block& block, const GatherJob& job) {
  constexpr int kAll = kSums<H>;
  const int tiles = job.all.tiling.tiles(), planes = static_cast<int>(job.all.planes);
  const float epsilon = *job.all.epsilon, lambda1 = *job.all.lambda1;
  // The last launch has the sums of all G.
  const double* const last = job.sums + int64_t{job.launches - 1} * planes * tiles * kAll;
  block.each(Area{0, 0, 1, planes}, [&](int, int p) {
    double all = 0;
    for (int i = 0; i < tiles; ++i) all += last[(int64_t{p} * tiles + i) * kAll + kAll - 2];
    job.dshift[p] = static_cast<float>(-all / epsilon);
  });
  if (!job.shared) return;
  typename Block::template Own<double, kAll> own(block);
  block.each(Area{0, 0, job.launches * planes, tiles}, [&](int r, int c) {
    for (int k = 0; k < kAll; ++k) own[k] += job.sums[(int64_t{r} * tiles + c) * kAll + k];
  });
  block.sum(own, job.total);
  block.each(Area{0, 0, 1, 1}, [&](int, int) {
    const double* const sum = job.total;
    double blurred = 0;
    for (int r = 0; r <= H; ++r) {
      const double once = r == 0 ? 0.5 : 1, along = once * sum[r];
      blurred += static_cast<double>(job.all.weights[r]) * along;
      job.shared[r] = static_cast<float>(-lambda1 / epsilon * (along + once * sum[H + 1 + r]));
    }
    job.shared[H + 1] = static_cast<float>(-blurred / epsilon);
    job.shared[H + 2] = static_cast<float>(-(sum[kAll - 1] - lambda1 * blurred) /
                                           (static_cast<double>(epsilon) * epsilon));
  });
}

}  // namespace soft_threshold
