// SPDX-License-Identifier: Apache-2.0
#include "core/sdk/kernels/norm_rows.hpp"

#include <algorithm>

#include "core/sdk/kernels/element.hpp"

namespace hilum::norm_rows {
namespace {

template <class T>
HILUM_INLINE void moments_of(const T* x, Rows rows, const float* shift, float* sum,
                             float* squares) {
  const int64_t c = rows.channels;
  std::fill(sum, sum + c, 0.F);
  std::fill(squares, squares + c, 0.F);
  int64_t i = 0;
  for (; i + 4 <= rows.count; i += 4) {  // together, before they are added to what is in memory
    const T *const r0 = x + i * c, *const r1 = r0 + c, *const r2 = r1 + c, *const r3 = r2 + c;
#pragma omp simd
    for (int64_t j = 0; j < c; ++j) {
      const float d0 = load(r0[j]) - shift[j], d1 = load(r1[j]) - shift[j];
      const float d2 = load(r2[j]) - shift[j], d3 = load(r3[j]) - shift[j];
      sum[j] += (d0 + d1) + (d2 + d3);
      squares[j] += (d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3);
    }
  }
  for (; i < rows.count; ++i) {
    const T* const row = x + i * c;
#pragma omp simd
    for (int64_t j = 0; j < c; ++j) {
      const float d = load(row[j]) - shift[j];
      sum[j] += d, squares[j] += d * d;
    }
  }
}

template <bool Add, bool Relu, class T>
HILUM_INLINE void normalize_rows(const T* x, const T* add, Rows rows, const Affine& f, T* y) {
  const float *const a = f.a, *const b = f.b;
  for (int64_t at = 0; at < rows.count * rows.channels; at += rows.channels) {
    const T *const from = x + at, *const more = Add ? add + at : from;
    T* const to = y + at;
#pragma omp simd
    for (int64_t j = 0; j < rows.channels; ++j) {
      float z = load(from[j]) * a[j] + b[j];
      if constexpr (Add) z += load(more[j]);
      store(Relu && z < 0 ? 0 : z, to[j]);  // NaN stays
    }
  }
}

// How it is known where the ReLU has cut: by y, or by z, which is computed again.
enum class Cut { none, by_z, by_y };

template <Cut C, class T>
HILUM_INLINE float passed(float x, T y, T dy, float a, float b) {
  if constexpr (C == Cut::none) return load(dy);
  const float z = C == Cut::by_y ? load(y) : x * a + b;
  return z <= 0 ? 0 : load(dy);
}

template <Cut C, class T>
HILUM_INLINE void sum_rows(const T* x, const T* y, const T* dy, Rows rows, const Affine& f,
                           const float* mean, float* s, float* q) {
  const int64_t c = rows.channels;
  const float *const a = f.a, *const b = f.b;
  std::fill(s, s + c, 0.F);
  std::fill(q, q + c, 0.F);
  const T* const out = C == Cut::by_y ? y : x;
  int64_t i = 0;
  for (; i + 2 <= rows.count; i += 2) {
    const T *const x0 = x + i * c, *const x1 = x0 + c, *const d0 = dy + i * c, *const d1 = d0 + c;
    const T *const y0 = out + i * c, *const y1 = y0 + c;
#pragma omp simd
    for (int64_t j = 0; j < c; ++j) {
      const float v0 = load(x0[j]), v1 = load(x1[j]);
      const float g0 = passed<C>(v0, y0[j], d0[j], a[j], b[j]);
      const float g1 = passed<C>(v1, y1[j], d1[j], a[j], b[j]);
      s[j] += g0 + g1;
      q[j] += g0 * (v0 - mean[j]) + g1 * (v1 - mean[j]);
    }
  }
  if (i == rows.count) return;
  const T *const last = x + i * c, *const d = dy + i * c, *const o = out + i * c;
#pragma omp simd
  for (int64_t j = 0; j < c; ++j) {
    const float v = load(last[j]), g = passed<C>(v, o[j], d[j], a[j], b[j]);
    s[j] += g, q[j] += g * (v - mean[j]);
  }
}

template <Cut C, bool Fixed, class T>
HILUM_INLINE void back_rows(const T* x, const T* y, const T* dy, Rows rows, const Affine& f,
                            const Centre& centre, T* dx, T* dadd) {
  const float *const a = f.a, *const b = f.b;
  const float *const mean = centre.mean, *const s = centre.s, *const q = centre.q;
  for (int64_t at = 0; at < rows.count * rows.channels; at += rows.channels) {
    const T *const from = x + at, *const d = dy + at, *const out = C == Cut::by_y ? y + at : from;
    T *const to = dx + at, *const more = C == Cut::by_y ? dadd + at : to;
#pragma omp simd
    for (int64_t j = 0; j < rows.channels; ++j) {
      const float v = load(from[j]), g = passed<C>(v, out[j], d[j], a[j], b[j]);
      if constexpr (C == Cut::by_y) store(g, more[j]);
      store(Fixed ? a[j] * g : a[j] * (g - s[j] - (v - mean[j]) * q[j]), to[j]);
    }
  }
}

template <Cut C, class T>
HILUM_INLINE void back_of(const T* x, const T* y, const T* dy, Rows rows, const Affine& f,
                          const Centre& centre, T* dx, T* dadd) {
  if (centre.s)
    back_rows<C, false>(x, y, dy, rows, f, centre, dx, dadd);
  else
    back_rows<C, true>(x, y, dy, rows, f, centre, dx, dadd);
}
}  // namespace

#define NORM_ROWS(T)                                                                              \
  template <>                                                                                     \
  HILUM_EACH_MACHINE void moments<T>(const T* x, Rows rows, const float* shift, float* sum,       \
                                     float* squares) {                                            \
    moments_of(x, rows, shift, sum, squares);                                                     \
  }                                                                                               \
  template <>                                                                                     \
  HILUM_EACH_MACHINE void normalize<T>(const T* x, const T* add, Rows rows, const Affine& affine, \
                                       T* y) {                                                    \
    if (add && affine.relu) return normalize_rows<true, true>(x, add, rows, affine, y);           \
    if (add) return normalize_rows<true, false>(x, add, rows, affine, y);                         \
    if (affine.relu) return normalize_rows<false, true>(x, add, rows, affine, y);                 \
    normalize_rows<false, false>(x, add, rows, affine, y);                                        \
  }                                                                                               \
  template <>                                                                                     \
  HILUM_EACH_MACHINE void gradient_sums<T>(const T* x, const T* y, const T* dy, Rows rows,        \
                                           const Affine& affine, const float* mean, float* s,     \
                                           float* q) {                                            \
    if (!affine.relu) return sum_rows<Cut::none>(x, y, dy, rows, affine, mean, s, q);             \
    if (y) return sum_rows<Cut::by_y>(x, y, dy, rows, affine, mean, s, q);                        \
    sum_rows<Cut::by_z>(x, y, dy, rows, affine, mean, s, q);                                      \
  }                                                                                               \
  template <>                                                                                     \
  HILUM_EACH_MACHINE void input_gradient<T>(const T* x, const T* y, const T* dy, Rows rows,       \
                                            const Affine& affine, const Centre& centre, T* dx,    \
                                            T* dadd) {                                            \
    if (!affine.relu) return back_of<Cut::none>(x, y, dy, rows, affine, centre, dx, dadd);        \
    if (y) return back_of<Cut::by_y>(x, y, dy, rows, affine, centre, dx, dadd);                   \
    back_of<Cut::by_z>(x, y, dy, rows, affine, centre, dx, dadd);                                 \
  }
NORM_ROWS(float)
NORM_ROWS(uint16_t)

}  // namespace hilum::norm_rows
