// SPDX-License-Identifier: Apache-2.0
// entropic over one tile: entropic.cpp has the mathematics. ξ of an iteration reads x of the next
// row and column, and x reads ξ of the last ones: one place further on each side.
#pragma once
#include "kernel_job.hpp"

namespace total_variation {

struct EntropicShape {
  static constexpr int kFields = 3, kBackFields = 3;  // ξ and x; dξ and G
  static constexpr int kBuffers = 3, kBackBuffers = 3;
  static constexpr int kBeyond = 0;
  static constexpr bool kStateIsBefore = true;  // a state is what an iteration begins with
};

ON_DEVICE float clamped(float v, float most) { return v < -most ? -most : v > most ? most : v; }
ON_DEVICE float least_square(float lambda) {
  return lambda * lambda > 1e-20F ? lambda * lambda : 1e-20F;
}

template <bool Isotropic, class Block>
struct EntropicForward {
  Block& block;
  const Job& job;
  const Tile tile;
  float *const down, *const right, *const x;
  const int64_t plane;
  const float* const u;
  float *const states, *const after, *const z;
  const float shift, rate;

  ON_DEVICE EntropicForward(Block& b, const Job& j, int64_t index, float* shared)
      : block(b),
        job(j),
        tile(j.all.tiling, index, j.count),
        down(shared),
        right(down + tile.room()),
        x(right + tile.room()),
        plane(j.all.tiling.plane()),
        u(j.all.u + tile.plane * plane),
        states(j.states.of(tile.plane)),
        after(j.after.of(tile.plane)),
        z(j.out + tile.plane * plane),
        shift(j.all.shift[tile.plane]),
        rate(1 / j.all.epsilon) {}

  ON_DEVICE void run() {
    const float* const before = job.before.of(tile.plane);
    block.each(tile.held, [&](int r, int c) {
      const int64_t i = tile.in_plane(r, c);
      const int at = tile.at(r, c);
      down[at] = before ? before[i] : 0;
      right[at] = before ? before[plane + i] : 0;
      x[at] = before ? before[2 * plane + i] : hilum_kernels::sigmoid((u[i] - shift) * rate);
      if (states && !before && tile.own.has(r, c))
        states[i] = 0, states[plane + i] = 0, states[2 * plane + i] = x[at];
    });
    for (int s = 0; s < job.count; ++s) iterate(job.first + s, job.count - 1 - s);
  }

  // Where what iteration t ends with is kept, or null.
  ON_DEVICE float* kept(int t) const {
    if (t + 1 == job.all.iterations) return nullptr;
    if (states) return states + int64_t{3} * (t + 1) * plane;
    return t + 1 == job.first + job.count ? after : nullptr;
  }

  // Iteration t, of the tile and `halo` around it.
  ON_DEVICE void iterate(int t, int halo) {
    const float tau = job.all.step, lambda = *job.all.lambda, most = least_square(lambda);
    const bool ends = t + 1 == job.all.iterations;
    float* const keep = kept(t);
    block.each(from_to(tile.around(halo + 1), tile.around(halo)), [&](int r, int c) {
      const int at = tile.at(r, c);
      const Slope g = slope(x, at, tile.pitch(), r + 1 == tile.all.rows, c + 1 == tile.all.cols);
      float d = down[at] - tau * g.down, e = right[at] - tau * g.right;
      if constexpr (Isotropic) {
        const float n = d * d + e * e, factor = n > most ? lambda / sqrtf(n) : 1;
        d *= factor, e *= factor;
      } else {
        d = clamped(d, lambda), e = clamped(e, lambda);
      }
      down[at] = d, right[at] = e;
      const int64_t i = tile.in_plane(r, c);
      if (keep && tile.own.has(r, c)) keep[i] = d, keep[plane + i] = e;
    });
    block.each(tile.around(halo), [&](int r, int c) {
      const int at = tile.at(r, c);
      const int64_t i = tile.in_plane(r, c);
      const float now =
          (u[i] - shift - Field{down, right, at, tile.pitch()}.divergence(r, c)) * rate;
      if (ends) {
        z[i] = now;
        return;
      }
      x[at] = hilum_kernels::sigmoid(now);
      if (keep && tile.own.has(r, c)) keep[2 * plane + i] = x[at];
    });
  }
};

template <bool Isotropic, class Block>
struct EntropicBackward {
  using Doubles = typename Block::template Own<double, kSums>;

  Block& block;
  const Job& job;
  const int64_t index;
  const Tile tile;
  float *const down, *const right, *const grad;  // dξ, G
  const int64_t plane;
  const float *const dz, *const states;
  float* const du;
  const float rate;

  ON_DEVICE EntropicBackward(Block& b, const Job& j, int64_t i, float* shared)
      : block(b),
        job(j),
        index(i),
        tile(j.all.tiling, i, j.count),
        down(shared),
        right(down + tile.room()),
        grad(right + tile.room()),
        plane(j.all.tiling.plane()),
        dz(j.dz + tile.plane * plane),
        states(j.states.of(tile.plane)),
        du(j.out + tile.plane * plane),
        rate(1 / j.all.epsilon) {}

  ON_DEVICE void run() {
    const float* const before = job.before.of(tile.plane);
    block.each(tile.held, [&](int r, int c) {
      const int64_t i = tile.in_plane(r, c);
      const int at = tile.at(r, c);
      down[at] = before ? before[i] : 0;
      right[at] = before ? before[plane + i] : 0;
      grad[at] = before ? before[2 * plane + i] : dz[i];
    });
    Doubles sums(block);
    for (int s = 0; s < job.count; ++s)
      iterate(job.first + job.count - 1 - s, job.count - 1 - s, sums);
    if (job.first > 0) {
      float* const after = job.after.of(tile.plane);
      block.each(tile.own, [&](int r, int c) {
        const int64_t i = tile.in_plane(r, c);
        const int at = tile.at(r, c);
        after[i] = down[at], after[plane + i] = right[at], after[2 * plane + i] = grad[at];
      });
    }
    block.sum(sums, job.sums + index * kSums);
  }

  // From dξ and G of what iteration t ends with to those of what it begins with.
  ON_DEVICE void iterate(int t, int halo, Doubles& sums) {
    const float* const state = states + int64_t{3} * t * plane;
    const float* const x = state + 2 * plane;
    typename Block::template Own<float, kSums> some(block);  // of a thread; doubles are slow
    block.each(from_to(tile.around(halo + 1), tile.around(halo)), [&](int r, int c) {
      const float share = descend(state, r, c);
      if (tile.own.has(r, c)) some[0] += share;
    });
    const bool starts = t + 1 == job.all.iterations, ends = t == 0;
    block.each(tile.around(halo), [&](int r, int c) {
      const int at = tile.at(r, c);
      const int64_t i = tile.in_plane(r, c);
      const float p = x[i], div = Field{down, right, at, tile.pitch()}.divergence(r, c);
      grad[at] = job.all.step * div * (p * (1 - p));
      if (!tile.own.has(r, c)) return;
      const float all = (starts ? dz[i] : du[i]) + grad[at];
      du[i] = ends ? all * rate : all;
      if (ends) some[1] -= all * rate;
    });
    block.threads([&] {
      for (int k = 0; k < kSums; ++k) sums[k] += static_cast<double>(some[k]);
    });
  }

  // From dξ to dη; returns the place's share of dλ.
  ON_DEVICE float descend(const float* state, int r, int c) {
    const bool last_row = r + 1 == tile.all.rows, last_col = c + 1 == tile.all.cols;
    const int at = tile.at(r, c);
    const int64_t i = tile.in_plane(r, c);
    const float tau = job.all.step, lambda = *job.all.lambda;
    const Slope back = slope(grad, at, tile.pitch(), last_row, last_col);
    const float d_down = down[at] + rate * back.down, d_right = right[at] + rate * back.right;
    const Slope g = slope(state + 2 * plane, i, tile.all.cols, last_row, last_col);
    const float d = state[i] - tau * g.down, e = state[plane + i] - tau * g.right;
    if constexpr (Isotropic) {
      const float n = d * d + e * e;
      const bool outside = n > least_square(lambda);
      const float over = 1 / sqrtf(outside ? n : 1.F);
      const float along = outside ? (d * d_down + e * d_right) * over : 0;
      const float factor = outside ? lambda * over : 1, less = along * over;
      down[at] = factor * (d_down - d * less), right[at] = factor * (d_right - e * less);
      return along;
    } else {
      down[at] = fabsf(d) <= lambda ? d_down : 0;
      right[at] = fabsf(e) <= lambda ? d_right : 0;
      return (d > lambda    ? d_down
              : d < -lambda ? -d_down
                            : 0) +
             (e > lambda    ? d_right
              : e < -lambda ? -d_right
                            : 0);
    }
  }
};

}  // namespace total_variation
