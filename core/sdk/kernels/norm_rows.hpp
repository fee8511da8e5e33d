// SPDX-License-Identifier: Apache-2.0
// Batch norm, and what stands beside it, over rows of channels ("channels last"), without LibTorch:
//   z = a x + b (+ add),   y = z or max(0, z),   a = weight / deviation,   b = bias - a mean
// and, with g = dy where y is not cut, else 0, and sums over all rows S = Σg, Q = Σ g (x - mean):
//   dbias = S,   dweight = Q / deviation,   dadd = g
//   dx = a (g - S/rows - (x - mean) Q / (rows deviation²)), or a g where the statistics are fixed
#pragma once
#include <cstdint>

namespace hilum::norm_rows {

/// Some rows of the batch; T below is float, or uint16_t for the bits of a bfloat16.
struct Rows {
  int64_t count, channels;
};
/// What all rows share, [channels] each.
struct Affine {
  const float *a, *b;
  bool relu;
};
struct Centre {
  const float *mean, *s, *q;  // s = S/rows, q = Q/(rows deviation²); null: fixed statistics
};

/// Sums of x - shift and of its square, [channels] each.
template <class T>
void moments(const T* x, Rows rows, const float* shift, float* sum, float* squares);

/// add: null for none.
template <class T>
void normalize(const T* x, const T* add, Rows rows, const Affine& affine, T* y);

/// S and Q of these rows, [channels] each. y: needed where there was an add before a ReLU.
template <class T>
void gradient_sums(const T* x, const T* y, const T* dy, Rows rows, const Affine& affine,
                   const float* mean, float* s, float* q);

/// dadd: written where y is given.
template <class T>
void input_gradient(const T* x, const T* y, const T* dy, Rows rows, const Affine& affine,
                    const Centre& centre, T* dx, T* dadd);

}  // namespace hilum::norm_rows
