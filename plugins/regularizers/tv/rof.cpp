// SPDX-License-Identifier: Apache-2.0
// With q = div p - f/λ, g = slopes(q), n = 1 + τ|g| and p' = (p + τ g)/n, backwards:
//   a = dp'/n,   dn = -<dp', p'>/n,   dg = τ a + τ dn g/|g|
//   dq = -div dg,   dp = a - slopes(dq),   df and dλ by the sum of dq over all iterations
// where <,> and |g| are of both parts of a field, or of one where it is anisotropic. q and g are
// computed again from p, row by row; a plane's fields stay in the second-level cache.
#include <algorithm>
#include <cmath>
#include <vector>

#include "rows.hpp"

namespace total_variation {
namespace {

template <class T, bool Isotropic>
struct Work {
  const Rof<T>& s;
  const Size size;
  std::vector<T> zero, lines;
  T *now, *next;  // q of a row and of the row below, and once more its last value

  HILUM_INLINE explicit Work(const Rof<T>& given)
      : s(given),
        size(given.size),
        zero(static_cast<size_t>(2 * size.plane())),
        lines(static_cast<size_t>(2 * size.cols + 2)),
        now(lines.data()),
        next(now + size.cols + 1) {}
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  HILUM_INLINE void potential(const T* p, const T* f, int64_t i, T* q) {
    divergence(size, p, i, zero.data(), q);
    const T* const row = f + i * size.cols;
    const T rate = 1 / s.lambda;
#pragma omp simd
    for (int64_t j = 0; j < size.cols; ++j) q[j] -= row[j] * rate;
    q[size.cols] = q[size.cols - 1];
  }
  // Calls work(i, q of row i, q of the row below) for each row; in the last they are the same.
  template <class F>
  HILUM_INLINE void each_row(const T* p, const T* f, F row) {
    potential(p, f, 0, now);
    for (int64_t i = 0; i < size.rows; ++i) {
      const bool last = i + 1 == size.rows;
      if (!last) potential(p, f, i + 1, next);
      row(i, now, last ? now : next);
      std::swap(now, next);
    }
  }

  HILUM_INLINE static T length(T down, T right) {
    return std::sqrt(down * down + right * right + T(1e-12));
  }
  HILUM_INLINE static T sign(T v) { return T(v > 0) - T(v < 0); }

  // p' of row i.
  HILUM_INLINE void ascend(const T* p, int64_t i, const T* q, const T* below, T* to) const {
    const int64_t plane = size.plane();
    const T *const down = p + i * size.cols, *const right = down + plane, tau = s.step;
    T *const to_down = to + i * size.cols, *const to_right = to_down + plane;
#pragma omp simd
    for (int64_t j = 0; j < size.cols; ++j) {
      const T gd = below[j] - q[j], gr = q[j + 1] - q[j];
      const T all = Isotropic ? 1 / (1 + tau * length(gd, gr)) : 0;
      to_down[j] = (down[j] + tau * gd) * (Isotropic ? all : 1 / (1 + tau * std::abs(gd)));
      to_right[j] = (right[j] + tau * gr) * (Isotropic ? all : 1 / (1 + tau * std::abs(gr)));
    }
  }

  HILUM_INLINE void forward(const T* f, T* states, int64_t kept, T* x) {
    const int64_t field = 2 * size.plane();
    const T* p = zero.data();
    for (int64_t t = 0; t < s.iterations; ++t) {
      T* const to = states + t % kept * field;
      each_row(
          p, f, [&](int64_t i, const T* q, const T* below) __attribute__((always_inline)) {
            ascend(p, i, q, below, to);
          });
      p = to;
    }
    for (int64_t i = 0; i < size.rows; ++i) {
      const T* const row = f + i * size.cols;
      T* const to = x + i * size.cols;
      divergence(size, p, i, zero.data(), to);
#pragma omp simd
      for (int64_t j = 0; j < size.cols; ++j) to[j] = row[j] - s.lambda * to[j];
    }
  }

  // dg of row i from dp', which becomes a.
  HILUM_INLINE void descend(const T* p, int64_t i, const T* q, const T* below, T* dp, T* dg) const {
    const int64_t plane = size.plane(), at = i * size.cols;
    const T *const down = p + at, *const right = down + plane, tau = s.step;
    T *const dp_down = dp + at, *const dp_right = dp_down + plane;
    T *const dg_down = dg + at, *const dg_right = dg_down + plane;
#pragma omp simd
    for (int64_t j = 0; j < size.cols; ++j) {
      const T gd = below[j] - q[j], gr = q[j + 1] - q[j];
      if constexpr (Isotropic) {
        const T all = length(gd, gr), rate = 1 / (1 + tau * all);
        const T ad = dp_down[j] * rate, ar = dp_right[j] * rate;
        const T pull = (ad * down[j] + ar * right[j]) / all;
        dp_down[j] = ad, dp_right[j] = ar;
        dg_down[j] = tau * (ad - pull * gd);
        dg_right[j] = tau * (ar - pull * gr);
      } else {
        const T ad = dp_down[j] / (1 + tau * std::abs(gd));
        const T ar = dp_right[j] / (1 + tau * std::abs(gr));
        dp_down[j] = ad, dp_right[j] = ar;
        dg_down[j] = tau * (ad - ad * down[j] * sign(gd));
        dg_right[j] = tau * (ar - ar * right[j] * sign(gr));
      }
    }
  }

  HILUM_INLINE double backward(const T* f, const T* states, const T* dx, T* df) {
    const int64_t plane = size.plane(), field = 2 * plane;
    std::vector<T> fields(static_cast<size_t>(2 * field + plane));
    T *const dp = fields.data(), *const dg = dp + field, *const dq = dg + field;
    std::fill(df, df + plane, T(0));  // minus the sum of all dq, for now
    add_slopes(size, dx, s.lambda, dp);
    for (int64_t t = s.iterations; t-- > 0;) {
      const T *const to = states + t * field, *const p = t > 0 ? to - field : zero.data();
      each_row(
          p, f, [&](int64_t i, const T* q, const T* below) __attribute__((always_inline)) {
            descend(to, i, q, below, dp, dg);
          });
      for (int64_t i = 0; i < size.rows; ++i) {
        T *const row = dq + i * size.cols, *const sum = df + i * size.cols;
        divergence(size, dg, i, zero.data(), row);
#pragma omp simd
        for (int64_t j = 0; j < size.cols; ++j) sum[j] += row[j];
      }
      if (t > 0) add_slopes(size, dq, T(1), dp);
    }
    return finish(f, states + (s.iterations - 1) * field, dx, df);
  }

  // df = dx + sum/λ. λ is in x = f - λ div p, and in f/λ.
  HILUM_INLINE double finish(const T* f, const T* p, const T* dx, T* df) {
    const T rate = 1 / s.lambda;
    double slope = 0;
    for (int64_t i = 0; i < size.rows; ++i) {
      const T *const from = f + i * size.cols, *const d = dx + i * size.cols;
      T *const row = df + i * size.cols, *const div = now;
      divergence(size, p, i, zero.data(), div);
      double sum = 0;  // of large terms that cancel
#pragma omp simd reduction(+ : sum)
      for (int64_t j = 0; j < size.cols; ++j) {
        sum -= static_cast<double>(d[j]) * static_cast<double>(div[j]) +
               static_cast<double>(row[j]) * static_cast<double>(from[j] * rate) * rate;
        row[j] = d[j] + row[j] * rate;
      }
      slope += sum;
    }
    return slope;
  }
};
}  // namespace

#define FORWARD(T)                                                           \
  void forward(const Rof<T>& s, const T* f, T* states, int64_t kept, T* x) { \
    if (s.isotropic)                                                         \
      Work<T, true>(s).forward(f, states, kept, x);                          \
    else                                                                     \
      Work<T, false>(s).forward(f, states, kept, x);                         \
  }
#define BACKWARD(T)                                                                   \
  double backward(const Rof<T>& s, const T* f, const T* states, const T* dx, T* df) { \
    return s.isotropic ? Work<T, true>(s).backward(f, states, dx, df)                 \
                       : Work<T, false>(s).backward(f, states, dx, df);               \
  }
HILUM_EACH_MACHINE FORWARD(float) HILUM_EACH_MACHINE BACKWARD(float) FORWARD(double)
    BACKWARD(double)

}  // namespace total_variation
