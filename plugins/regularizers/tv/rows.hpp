// SPDX-License-Identifier: Apache-2.0
// Differences along the rows and columns of a plane, a row at a time. A field p has two parts,
// [2,rows,cols]: to the next row, which is 0 in the last one, and to the next column, likewise.
#pragma once
#include <hilum/simd.hpp>

#include "plane.hpp"

namespace total_variation {

/// Row i of the divergence, minus the adjoint of slopes. `zero`: a row of zeros.
template <class T>
HILUM_INLINE void divergence(Size size, const T* p, int64_t i, const T* zero, T* to) {
  const T *const down = p + i * size.cols, *const right = down + size.plane(),
                 *const above = i > 0 ? down - size.cols : zero;
  to[0] = down[0] - above[0] + right[0];
#pragma omp simd
  for (int64_t j = 1; j < size.cols; ++j) to[j] = down[j] - above[j] + (right[j] - right[j - 1]);
}

/// p += scale * slopes(q).
template <class T>
HILUM_INLINE void add_slopes(Size size, const T* q, T scale, T* p) {
  for (int64_t i = 0; i < size.rows; ++i) {
    const T *const row = q + i * size.cols, *const below = row + size.cols;
    T *const down = p + i * size.cols, *const right = down + size.plane();
    if (i + 1 < size.rows) {
#pragma omp simd
      for (int64_t j = 0; j < size.cols; ++j) down[j] += scale * (below[j] - row[j]);
    }
#pragma omp simd
    for (int64_t j = 0; j < size.cols - 1; ++j) right[j] += scale * (row[j + 1] - row[j]);
  }
}

}  // namespace total_variation
