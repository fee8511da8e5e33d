// SPDX-License-Identifier: Apache-2.0
// What the kernels of tv have in common: a launch, differences, and the sum of what tiles found.
#pragma once
#include "block.hpp"
#include "tiling.hpp"

namespace total_variation {

using hilum_kernels::Area;
using hilum_kernels::Planes;
using hilum_kernels::Tile;
using hilum_kernels::Tiling;

struct Common {
  Tiling tiling;
  int64_t planes;
  int iterations;
  float step, epsilon;
  const float *u, *shift, *lambda;
};

/// One launch. What goes from one to the next has as many fields as a state, forwards, or as its
/// gradient, backwards: [fields,rows,cols] a plane.
struct Job {
  Common all;
  int first, count;            // iterations of this launch; backwards from the last to the first
  Planes<const float> before;  // where an earlier launch ended, or null
  Planes<float> after;         // where a later one begins, or null
  Planes<float> states;        // of each iteration, or null
  const float* dz;             // backwards
  float* out;                  // z or du; between launches backwards the sum for du so far
  double* sums;                // backwards: of each block, kSums
};

/// A block finds, backwards, its share of the gradients to λ and to its plane's shift.
constexpr int kSums = 2;

/// A number of a field with two parts at this place of an array with `pitch` numbers a row.
struct Field {
  const float *down, *right;
  int64_t at, pitch;

  /// Minus the adjoint of slopes; a plane begins at row and column 0.
  ON_DEVICE float divergence(int row, int col) const {
    return down[at] - (row > 0 ? down[at - pitch] : 0.F) +
           (right[at] - (col > 0 ? right[at - 1] : 0.F));
  }
};

/// To the next row and to the next column; 0 at the end.
struct Slope {
  float down, right;
};
ON_DEVICE Slope slope(const float* q, int64_t at, int64_t pitch, bool last_row, bool last_col) {
  return {last_row ? 0.F : q[at + pitch] - q[at], last_col ? 0.F : q[at + 1] - q[at]};
}

/// Rows and columns of one area's beginning and another's end.
ON_DEVICE Area from_to(Area from, Area to) { return {from.top, from.left, to.bottom, to.right}; }

struct GatherJob {
  Tiling tiling;
  int planes, launches;
  const double* sums;       // [launches,planes,tiles,kSums]; the last launch has the shifts
  double* total;            // [kSums]
  float *dshift, *dlambda;  // dshift: or null
};

/// One block: adds what all blocks found, in their order.
template <class Block>
ON_DEVICE void gather(Block& block, const GatherJob& job) {
  const int tiles = job.tiling.tiles();
  typename Block::template Own<double, kSums> own(block);
  block.each(Area{0, 0, job.launches * job.planes, tiles},
             [&](int r, int c) { own[0] += job.sums[(int64_t{r} * tiles + c) * kSums]; });
  block.sum(own, job.total);
  block.each(Area{0, 0, 1, 1}, [&](int, int) { *job.dlambda = static_cast<float>(job.total[0]); });
  if (!job.dshift) return;
  const double* const last = job.sums + int64_t{job.launches - 1} * job.planes * tiles * kSums;
  block.each(Area{0, 0, 1, job.planes}, [&](int, int p) {
    double all = 0;
    for (int i = 0; i < tiles; ++i) all += last[(int64_t{p} * tiles + i) * kSums + 1];
    job.dshift[p] = static_cast<float>(all);
  });
}

}  // namespace total_variation
