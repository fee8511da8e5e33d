// SPDX-License-Identifier: Apache-2.0
// rof over one tile: rof.cpp has the mathematics. p of an iteration reads q = div p - f/λ of the
// next row and column, and that p of the last ones: one place further on each side.
#pragma once
#include "kernel_job.hpp"

namespace total_variation {

struct RofShape {
  static constexpr int kFields = 2, kBackFields = 2;  // p; dp
  static constexpr int kBuffers = 3, kBackBuffers = 5;
  static constexpr int kBeyond = 1;              // x reads p of the last row and column
  static constexpr bool kStateIsBefore = false;  // a state is what an iteration ends with
};

ON_DEVICE float length(Slope g) { return sqrtf(g.down * g.down + g.right * g.right + 1e-12F); }
ON_DEVICE float sign(float v) { return v > 0 ? 1.F : v < 0 ? -1.F : 0.F; }

template <bool Isotropic, class Block>
struct RofForward {
  Block& block;
  const Job& job;
  const Tile tile;
  float *const q, *const down, *const right;
  const int64_t plane;
  const float* const f;
  float *const states, *const after, *const x;

  ON_DEVICE RofForward(Block& b, const Job& j, int64_t index, float* shared)
      : block(b),
        job(j),
        tile(j.all.tiling, index, j.count + RofShape::kBeyond),
        q(shared),
        down(q + tile.room()),
        right(down + tile.room()),
        plane(j.all.tiling.plane()),
        f(j.all.u + tile.plane * plane),
        states(j.states.of(tile.plane)),
        after(j.after.of(tile.plane)),
        x(j.out + tile.plane * plane) {}

  ON_DEVICE void run() {
    const float* const before = job.before.of(tile.plane);
    block.each(tile.held, [&](int r, int c) {
      const int64_t i = tile.in_plane(r, c);
      const int at = tile.at(r, c);
      down[at] = before ? before[i] : 0;
      right[at] = before ? before[plane + i] : 0;
    });
    for (int s = 0; s < job.count; ++s) iterate(job.first + s, job.count - s);
    if (job.first + job.count < job.all.iterations) return;
    const float lambda = *job.all.lambda;
    block.each(tile.own, [&](int r, int c) {
      const int64_t i = tile.in_plane(r, c);
      x[i] = f[i] - lambda * Field{down, right, tile.at(r, c), tile.pitch()}.divergence(r, c);
    });
  }

  // Iteration t, of the tile and `halo` around it.
  ON_DEVICE void iterate(int t, int halo) {
    const float rate = 1 / *job.all.lambda, tau = job.all.step;
    const bool last = t + 1 == job.first + job.count;
    block.each(from_to(tile.around(halo), tile.around(halo + 1)), [&](int r, int c) {
      const int at = tile.at(r, c);
      q[at] = Field{down, right, at, tile.pitch()}.divergence(r, c) - f[tile.in_plane(r, c)] * rate;
    });
    block.each(tile.around(halo), [&](int r, int c) {
      const int at = tile.at(r, c);
      const Slope g = slope(q, at, tile.pitch(), r + 1 == tile.all.rows, c + 1 == tile.all.cols);
      const float all = Isotropic ? length(g) : 0;
      const float d = (down[at] + tau * g.down) / (1 + tau * (Isotropic ? all : fabsf(g.down)));
      const float e = (right[at] + tau * g.right) / (1 + tau * (Isotropic ? all : fabsf(g.right)));
      down[at] = d, right[at] = e;
      if (!tile.own.has(r, c)) return;
      const int64_t i = tile.in_plane(r, c);
      if (states) states[2 * t * plane + i] = d, states[(2 * t + 1) * plane + i] = e;
      if (after && last) after[i] = d, after[plane + i] = e;
    });
  }
};

template <bool Isotropic, class Block>
struct RofBackward {
  Block& block;
  const Job& job;
  const int64_t index;
  const Tile tile;
  float *const down, *const right, *const dg_down, *const dg_right, *const q;  // dp, dg, q then dq
  const int64_t plane;
  const float *const f, *const dx, *const states;
  float* const df;

  ON_DEVICE RofBackward(Block& b, const Job& j, int64_t i, float* shared)
      : block(b),
        job(j),
        index(i),
        tile(j.all.tiling, i, j.count + RofShape::kBeyond),
        down(shared),
        right(down + tile.room()),
        dg_down(right + tile.room()),
        dg_right(dg_down + tile.room()),
        q(dg_right + tile.room()),
        plane(j.all.tiling.plane()),
        f(j.all.u + tile.plane * plane),
        dx(j.dz + tile.plane * plane),
        states(j.states.of(tile.plane)),
        df(j.out + tile.plane * plane) {}

  ON_DEVICE bool last_row(int r) const { return r + 1 == tile.all.rows; }
  ON_DEVICE bool last_col(int c) const { return c + 1 == tile.all.cols; }
  ON_DEVICE Field state(int t, int64_t i) const {
    return {states + 2 * t * plane, states + (2 * t + 1) * plane, i, tile.all.cols};
  }

  ON_DEVICE void run() {
    const float* const before = job.before.of(tile.plane);
    const float lambda = *job.all.lambda;
    block.each(tile.around(job.count), [&](int r, int c) {
      const int64_t i = tile.in_plane(r, c);
      const int at = tile.at(r, c);
      const Slope of_dx = before ? Slope{} : slope(dx, i, tile.all.cols, last_row(r), last_col(c));
      down[at] = before ? before[i] : lambda * of_dx.down;
      right[at] = before ? before[plane + i] : lambda * of_dx.right;
    });
    for (int s = 0; s < job.count; ++s) iterate(job.first + job.count - 1 - s, job.count - s);
    typename Block::template Own<double, kSums> sums(block);
    if (job.first == 0) {
      finish(sums);
    } else {
      float* const after = job.after.of(tile.plane);
      block.each(tile.own, [&](int r, int c) {
        after[tile.in_plane(r, c)] = down[tile.at(r, c)];
        after[plane + tile.in_plane(r, c)] = right[tile.at(r, c)];
      });
    }
    block.sum(sums, job.sums + index * kSums);
  }

  // From dp' of iteration t, of the tile and `halo` around it, to dp.
  ON_DEVICE void iterate(int t, int halo) {
    const float rate = 1 / *job.all.lambda;
    const Area here = tile.around(halo), less = tile.around(halo - 1);
    block.each(from_to(here, tile.around(halo + 1)), [&](int r, int c) {
      const int64_t i = tile.in_plane(r, c);
      const float div = t > 0 ? state(t - 1, i).divergence(r, c) : 0;
      q[tile.at(r, c)] = div - f[i] * rate;
    });
    block.each(here, [&](int r, int c) { descend(t, r, c); });
    const bool starts = t + 1 == job.all.iterations;
    block.each(from_to(less, here), [&](int r, int c) {
      const int at = tile.at(r, c);
      const float dq = Field{dg_down, dg_right, at, tile.pitch()}.divergence(r, c);
      q[at] = dq;
      if (!tile.own.has(r, c)) return;
      const int64_t i = tile.in_plane(r, c);
      df[i] = (starts ? 0 : df[i]) + dq;
    });
    if (t == 0) return;
    block.each(less, [&](int r, int c) {
      const int at = tile.at(r, c);
      const Slope d = slope(q, at, tile.pitch(), last_row(r), last_col(c));
      down[at] += d.down, right[at] += d.right;
    });
  }

  // dg from dp', which becomes a.
  ON_DEVICE void descend(int t, int r, int c) {
    const int at = tile.at(r, c);
    const float tau = job.all.step;
    const Slope g = slope(q, at, tile.pitch(), last_row(r), last_col(c));
    const Field p = state(t, tile.in_plane(r, c));
    const float now_down = p.down[p.at], now_right = p.right[p.at];
    if constexpr (Isotropic) {
      const float all = length(g), rate = 1 / (1 + tau * all);
      const float d = down[at] * rate, e = right[at] * rate;
      const float pull = (d * now_down + e * now_right) / all;
      down[at] = d, right[at] = e;
      dg_down[at] = tau * (d - pull * g.down);
      dg_right[at] = tau * (e - pull * g.right);
    } else {
      const float d = down[at] / (1 + tau * fabsf(g.down));
      const float e = right[at] / (1 + tau * fabsf(g.right));
      down[at] = d, right[at] = e;
      dg_down[at] = tau * (d - d * now_down * sign(g.down));
      dg_right[at] = tau * (e - e * now_right * sign(g.right));
    }
  }

  // df = dx + sum/λ. The gradient to λ is a sum of large terms that cancel.
  template <class Sums>
  ON_DEVICE void finish(Sums& sums) {
    const float rate = 1 / *job.all.lambda;
    block.each(tile.own, [&](int r, int c) {
      const int64_t i = tile.in_plane(r, c);
      const float div = state(job.all.iterations - 1, i).divergence(r, c), sum = df[i];
      sums[0] -= static_cast<double>(dx[i]) * static_cast<double>(div) +
                 static_cast<double>(sum) * static_cast<double>(f[i] * rate) * rate;
      df[i] = dx[i] + sum * rate;
    });
  }
};

}  // namespace total_variation
