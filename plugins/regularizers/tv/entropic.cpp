// SPDX-License-Identifier: Apache-2.0
// With η = ξ - τ slopes(x) and ξ' = η where |η| <= λ, else η λ/|η|, backwards from G = dL/dz':
//   dξ' += slopes(G)/ε,   dη = dξ', or λ/|η| (dξ' - η <η, dξ'>/|η|²) and dλ += <η, dξ'>/|η|
//   dξ = dη,   dL/dx = τ div dη,   G = x (1-x) dL/dx,   du = the sum of all G / ε
// where it is anisotropic ξ' = clamp(η, -λ, λ), part by part. η is computed again from ξ and x.
#include <algorithm>
#include <cmath>
#include <vector>

#include "rows.hpp"

namespace total_variation {
namespace {
using hilum::fast_sigmoid;

template <class T, bool Isotropic>
struct Work {
  const Entropic<T>& s;
  const Size size;
  const int64_t plane;
  std::vector<T> zero, line, field;

  HILUM_INLINE explicit Work(const Entropic<T>& given)
      : s(given),
        size(given.size),
        plane(size.plane()),
        zero(static_cast<size_t>(size.cols)),
        line(static_cast<size_t>(size.cols + 1)),
        field(static_cast<size_t>(2 * plane)) {}
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  // Row i of x into the line, its last value twice; returns the row below, or the last one again.
  HILUM_INLINE const T* slope_row(const T* x, int64_t i) {
    const T* const row = x + i * size.cols;
    std::copy(row, row + size.cols, line.data());
    line.back() = line[line.size() - 2];
    return i + 1 < size.rows ? row + size.cols : row;
  }
  HILUM_INLINE T least() const { return std::max(s.lambda * s.lambda, T(1e-20)); }

  // ξ' of row i.
  HILUM_INLINE void ascend(const T* xi, const T* x, int64_t i, T* to) {
    const T *const below = slope_row(x, i), *const q = line.data(), tau = s.step, lambda = s.lambda,
                   most = least();
    const T *const down = xi + i * size.cols, *const right = down + plane;
    T *const to_down = to + i * size.cols, *const to_right = to_down + plane;
#pragma omp simd
    for (int64_t j = 0; j < size.cols; ++j) {
      const T d = down[j] - tau * (below[j] - q[j]), r = right[j] - tau * (q[j + 1] - q[j]);
      if constexpr (Isotropic) {
        const T n = d * d + r * r, factor = n > most ? lambda / std::sqrt(n) : 1;
        to_down[j] = d * factor, to_right[j] = r * factor;
      } else {
        const T d_low = d < -lambda ? -lambda : d, r_low = r < -lambda ? -lambda : r;
        to_down[j] = d_low > lambda ? lambda : d_low;
        to_right[j] = r_low > lambda ? lambda : r_low;
      }
    }
  }

  HILUM_INLINE void forward(const T* u, T shift, T* states, int64_t kept, T* z) {
    const T rate = 1 / s.epsilon;
    std::fill(states, states + 2 * plane, T(0));
#pragma omp simd
    for (int64_t j = 0; j < plane; ++j) states[2 * plane + j] = fast_sigmoid((u[j] - shift) * rate);
    for (int64_t t = 0; t < s.iterations; ++t) {
      const bool ends = t + 1 == s.iterations;
      const T* const xi = states + t % kept * 3 * plane;
      T* const next = ends ? field.data() : states + (t + 1) % kept * 3 * plane;
      T* const out = ends ? z : next + 2 * plane;
      for (int64_t i = 0; i < size.rows; ++i) {
        ascend(xi, xi + 2 * plane, i, next);
        T* const to = out + i * size.cols;
        const T* const row = u + i * size.cols;
        divergence(size, next, i, zero.data(), to);
        if (ends) {
#pragma omp simd
          for (int64_t j = 0; j < size.cols; ++j) to[j] = (row[j] - shift - to[j]) * rate;
        } else {
#pragma omp simd
          for (int64_t j = 0; j < size.cols; ++j)
            to[j] = fast_sigmoid((row[j] - shift - to[j]) * rate);
        }
      }
    }
  }

  // From dξ' of row i to dη, in its place; returns the row's share of dλ.
  HILUM_INLINE double descend(const T* xi, const T* x, int64_t i, T* dxi) {
    const T *const below = slope_row(x, i), *const q = line.data(), tau = s.step, lambda = s.lambda,
                   most = least();
    const T *const down = xi + i * size.cols, *const right = down + plane;
    T *const d_down = dxi + i * size.cols, *const d_right = d_down + plane, slope = 0;
#pragma omp simd reduction(+ : slope)
    for (int64_t j = 0; j < size.cols; ++j) {
      const T d = down[j] - tau * (below[j] - q[j]), r = right[j] - tau * (q[j + 1] - q[j]);
      if constexpr (Isotropic) {
        const T n = d * d + r * r;
        const bool outside = n > most;
        const T rate = 1 / std::sqrt(outside ? n : T(1));
        const T along = outside ? (d * d_down[j] + r * d_right[j]) * rate : 0;
        const T factor = outside ? lambda * rate : 1, back = along * rate;
        slope += along;
        d_down[j] = factor * (d_down[j] - d * back);
        d_right[j] = factor * (d_right[j] - r * back);
      } else {
        slope += (d > lambda ? d_down[j] : 0) - (d < -lambda ? d_down[j] : 0);
        slope += (r > lambda ? d_right[j] : 0) - (r < -lambda ? d_right[j] : 0);
        d_down[j] = std::abs(d) <= lambda ? d_down[j] : 0;
        d_right[j] = std::abs(r) <= lambda ? d_right[j] : 0;
      }
    }
    return static_cast<double>(slope);
  }

  HILUM_INLINE EntropicSlopes backward(const T* states, const T* dz, T* du) {
    std::vector<T> now(dz, dz + plane);
    T *const grad = now.data(), *const dxi = field.data();
    const T rate = 1 / s.epsilon;
    EntropicSlopes out;
    std::copy(dz, dz + plane, du);  // the sum of all G, for now
    for (int64_t t = s.iterations; t-- > 0;) {
      const T *const xi = states + t * 3 * plane, *const x = xi + 2 * plane;
      add_slopes(size, grad, rate, dxi);
      for (int64_t i = 0; i < size.rows; ++i) {
        out.lambda += descend(xi, x, i, dxi);
        const T* const p = x + i * size.cols;
        T *const to = grad + i * size.cols, *const sum = du + i * size.cols;
        divergence(size, dxi, i, zero.data(), to);
#pragma omp simd
        for (int64_t j = 0; j < size.cols; ++j) {
          to[j] = s.step * to[j] * (p[j] * (1 - p[j]));
          sum[j] += to[j];
        }
      }
    }
    for (int64_t i = 0; i < size.rows; ++i) {
      T *const row = du + i * size.cols, sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t j = 0; j < size.cols; ++j) {
        row[j] *= rate;
        sum -= row[j];
      }
      out.shift += static_cast<double>(sum);
    }
    return out;
  }
};
}  // namespace

#define FORWARD(T)                                                                         \
  void forward(const Entropic<T>& s, const T* u, T shift, T* states, int64_t kept, T* z) { \
    if (s.isotropic)                                                                       \
      Work<T, true>(s).forward(u, shift, states, kept, z);                                 \
    else                                                                                   \
      Work<T, false>(s).forward(u, shift, states, kept, z);                                \
  }
#define BACKWARD(T)                                                                    \
  EntropicSlopes backward(const Entropic<T>& s, const T* states, const T* dz, T* du) { \
    return s.isotropic ? Work<T, true>(s).backward(states, dz, du)                     \
                       : Work<T, false>(s).backward(states, dz, du);                   \
  }
HILUM_EACH_MACHINE FORWARD(float) HILUM_EACH_MACHINE BACKWARD(float) FORWARD(double)
    BACKWARD(double)

}  // namespace total_variation
