// SPDX-License-Identifier: Apache-2.0
// Forward of std over one tile. Shared memory has y = 1-2x, then V y: plane.cpp has the
// mathematics.
#pragma once
#include "kernel_math.hpp"
#include "tiling.hpp"

namespace soft_threshold {

using hilum_kernels::Area;
using hilum_kernels::Planes;
using hilum_kernels::Tile;
using hilum_kernels::Tiling;

/// What all launches have in common.
struct Common {
  Tiling tiling;
  int64_t planes;
  int iterations;
  bool replicate;
  const float *u, *shift, *weights, *lambda1, *epsilon;
};

struct ForwardJob {
  Common all;
  int first, count;            // iterations of this launch
  Planes<const float> before;  // x at the first one; null: Sig(u)
  Planes<float> after;         // x after the last one, or null
  Planes<float> states;        // x of each, [iterations,rows,cols] a plane, or null
  float* z;
};

constexpr int kForwardBuffers = 2;

template <int H, class Block>
struct Forward {
  Block& block;
  const ForwardJob& job;
  const Tile tile;
  const Weights<H> w;
  float *const y, *const v;
  const int64_t plane;
  const float* const u;
  float *const states, *const after, *const z;
  const float shift, lambda1, rate;

  ON_DEVICE Forward(Block& b, const ForwardJob& j, int64_t index, float* shared)
      : block(b),
        job(j),
        tile(j.all.tiling, index, H * j.count),
        w(j.all.weights),
        y(shared),
        v(shared + tile.room()),
        plane(j.all.tiling.plane()),
        u(j.all.u + tile.plane * plane),
        states(j.states.of(tile.plane)),
        after(j.after.of(tile.plane)),
        z(j.z + tile.plane * plane),
        shift(j.all.shift[tile.plane]),
        lambda1(*j.all.lambda1),
        rate(1 / *j.all.epsilon) {}

  ON_DEVICE void run() {
    const float* const before = job.before.of(tile.plane);
    block.each(tile.held, [&](int r, int c) {
      const int64_t i = tile.in_plane(r, c);
      const float x = before ? before[i] : hilum_kernels::sigmoid(u[i]);
      y[tile.at(r, c)] = 1 - 2 * x;
      if (states && !before && tile.own.has(r, c)) states[i] = x;
    });
    for (int s = 0; s < job.count; ++s) iterate(job.first + s, (job.count - 1 - s) * H);
  }

  // Iteration t, of the tile and `halo` around it.
  ON_DEVICE void iterate(int t, int halo) {
    const int rows = tile.all.rows, cols = tile.all.cols;
    const bool replicate = job.all.replicate;
    const Area tall = tile.around(halo + H, halo), out = tile.around(halo);
    each_along(block, tall, [&](int r, int c) {
      const Strip<H> strip(c, cols, least(tall.right + H, cols), replicate,
                           [&](int i) { return y[tile.at(r, i)]; });
      UNROLL for (int i = 0; i < kStrip; ++i) {
        if (c + i < tall.right) v[tile.at(r, c + i)] = strip.blur(w, i);
      }
    });
    each_down(block, out, [&](int r, int c) {
      const Strip<H> strip(r, rows, least(out.bottom + H, rows), replicate,
                           [&](int i) { return v[tile.at(i, c)]; });
      UNROLL for (int i = 0; i < kStrip; ++i) {
        if (r + i < out.bottom) settle(t, halo, r + i, c, strip.blur(w, i));
      }
    });
  }

  // z of a place, and x where an iteration follows.
  ON_DEVICE void settle(int t, int halo, int r, int c, float blurred) {
    const int64_t i = tile.in_plane(r, c);
    const float now = (u[i] - shift - lambda1 * blurred) * rate;
    if (t + 1 == job.all.iterations) {
      z[i] = now;
      return;
    }
    const float x = hilum_kernels::sigmoid(now);
    y[tile.at(r, c)] = 1 - 2 * x;
    if (!tile.own.has(r, c)) return;
    if (states) states[(t + 1) * plane + i] = x;
    if (after && halo == 0) after[i] = x;
  }
};

}  // namespace soft_threshold
