// SPDX-License-Identifier: Apache-2.0
// A kernel is written once, as phases over a Block: on a GPU a block of threads (cuda_block.hpp),
// in tests one that a processor plays in any order of threads (emulated.hpp). A Block has
//   each(area, f)   f(row, col) once for each place of the area, shared out among its threads, then
//                   a barrier: a phase must not read what another place of it writes
//   threads(f)      f() on each thread, on its own values alone; no barrier
//   Own<T, N>       N values of each thread, 0 at first
//   sum(own, to)    to[k] = the sum of own[k] over all threads, in a fixed order; then a barrier
#pragma once
#include <cmath>
#include <cstdint>

#ifdef __CUDACC__
#define ON_DEVICE __device__ __forceinline__
#define ON_BOTH __host__ __device__ __forceinline__
#define UNROLL _Pragma("unroll")
#else
#define ON_DEVICE inline
#define ON_BOTH inline
#define UNROLL
#endif

namespace hilum_kernels {

/// Rows [top, bottom), columns [left, right).
struct Area {
  int top, left, bottom, right;

  ON_BOTH int rows() const { return bottom - top; }
  ON_BOTH int cols() const { return right - left; }
  ON_BOTH int size() const { return rows() * cols(); }
  ON_BOTH bool has(int row, int col) const {
    return row >= top && row < bottom && col >= left && col < right;
  }
};

/// The places of an area that one of `threads` threads works at: neighbours work side by side, so
/// that memory is read in whole lines and no two of them meet in a bank of shared memory.
class Walk {
 public:
  ON_BOTH Walk(Area area, int thread, int threads)
      : area_(area), index_(thread), threads_(threads), cols_(area.cols() > 0 ? area.cols() : 1) {
    row_ = thread / cols_, col_ = thread % cols_;
    down_ = threads / cols_, across_ = threads % cols_;
  }
  ON_BOTH bool ends() const { return index_ >= area_.size(); }
  ON_BOTH int row() const { return area_.top + row_; }
  ON_BOTH int col() const { return area_.left + col_; }
  ON_BOTH void step() {
    index_ += threads_, row_ += down_, col_ += across_;
    if (col_ >= cols_) col_ -= cols_, ++row_;
  }

 private:
  Area area_;
  int index_, threads_, cols_, row_, col_, down_, across_;
};

ON_DEVICE float sigmoid(float z) {
#ifdef __CUDA_ARCH__
  return __fdividef(1.F, 1.F + expf(-z));  // 2 units in the last place; 0 where exp overflows
#else
  return 1.F / (1.F + std::exp(-z));
#endif
}

}  // namespace hilum_kernels
