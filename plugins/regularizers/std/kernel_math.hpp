// SPDX-License-Identifier: Apache-2.0
// The kernel K of std along one axis, from its middle on, and its adjoint.
#pragma once
#include "block.hpp"

namespace soft_threshold {

/// Weights of K, and what the border's value stands for where it is repeated: beyond[k] is the sum
/// of the weights further out than k.
template <int H>
struct Weights {
  float g[H + 1], beyond[H];

  ON_DEVICE explicit Weights(const float* from) {
    for (int r = 0; r <= H; ++r) g[r] = from[r];
    float tail = 0;
    for (int k = H - 1; k >= 0; --k) beyond[k] = tail += g[k + 1];
  }
};

/// A place in a line of `end` values; value(k) is that k further, which is read within the line
/// only. `replicate`: what is outside is the border's value, else 0.
template <class Value>
struct Line {
  int at, end;
  bool replicate;
  Value value;

  ON_DEVICE bool inner(int reach) const { return at >= reach && at + reach < end; }
  /// The values at distance r on both sides.
  ON_DEVICE float both(int r) const {
    const float before = at >= r ? value(-r) : replicate ? value(-at) : 0.F;
    const float after = at + r < end ? value(r) : replicate ? value(end - 1 - at) : 0.F;
    return before + after;
  }
};
template <class Value>
ON_DEVICE Line<Value> line(int at, int end, bool replicate, Value value) {
  return {at, end, replicate, value};
}

/// Places of a line that a thread works at together: it reads a value once for all of them.
constexpr int kStrip = 4;

ON_BOTH int strips(int places) { return (places + kStrip - 1) / kStrip; }

/// The places from `at` on, in a line of `end` values of which those before `until` are there.
/// value(i): the i-th of the line. `replicate`: as above.
template <int H>
struct Strip {
  int at, end;
  float near[kStrip + 2 * H];

  template <class Value>
  ON_DEVICE Strip(int from, int line_end, int until, bool replicate, Value value)
      : at(from), end(line_end) {
    if (at >= H && at + kStrip + H <= until) {
      UNROLL for (int k = 0; k < kStrip + 2 * H; ++k) near[k] = value(at - H + k);
      return;
    }
    UNROLL for (int k = 0; k < kStrip + 2 * H; ++k) {
      const int wanted = at - H + k, i = wanted < 0 ? 0 : wanted < end ? wanted : end - 1;
      near[k] = (i == wanted || replicate) && i < until ? value(i) : 0.F;
    }
  }
  /// K at the i-th place.
  ON_DEVICE float blur(const Weights<H>& w, int i) const {
    float sum = w.g[0] * near[i + H];
    UNROLL for (int r = 1; r <= H; ++r) sum += w.g[r] * (near[i + H - r] + near[i + H + r]);
    return sum;
  }
  /// Kᵀ at the i-th place. `replicate` is K's; the strip itself was made without.
  ON_DEVICE float blur_back(const Weights<H>& w, int i, bool replicate) const {
    float sum = blur(w, i);
    if (!replicate) return sum;
    UNROLL for (int k = 0; k < H; ++k) {
      if (at + i == 0) sum += w.beyond[k] * near[i + H + k];
      if (at + i == end - 1) sum += w.beyond[k] * near[i + H - k];
    }
    return sum;
  }
};

/// Calls work(row, first column) for strips along the rows of an area: threads side by side have
/// rows one below the other.
template <class Block, class Work>
ON_DEVICE void each_along(Block& block, hilum_kernels::Area area, Work work) {
  block.each({0, area.top, strips(area.cols()), area.bottom},
             [&](int s, int r) { work(r, area.left + s * kStrip); });
}
/// Calls work(first row, column) for strips along its columns.
template <class Block, class Work>
ON_DEVICE void each_down(Block& block, hilum_kernels::Area area, Work work) {
  block.each({0, area.left, strips(area.rows()), area.right},
             [&](int s, int c) { work(area.top + s * kStrip, c); });
}
ON_DEVICE int least(int a, int b) { return a < b ? a : b; }

}  // namespace soft_threshold
