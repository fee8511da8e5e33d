// SPDX-License-Identifier: Apache-2.0
// With y = 1-2x, K = HV (along a row, along a column) and G = dL/dz of an iteration's result,
//   z = (u - shift - λ1 H V y) / ε,   x' = Sig(z)
//   D = Hᵀ G,   dL/dy = -λ1/ε Vᵀ D,   dL/dz of the iteration before = -2 x (1-x) dL/dy
// and the weight at distance r receives -λ1/ε (<G, V y moved by r> + <D, y moved by r>), both ways.
// The sums over all iterations of G, and of what the weights receive along rows, give the rest.
// A row of each stage is in the first-level cache, a plane's iterations in the second.
#include "plane.hpp"

#include <hilum/simd.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace soft_threshold {
namespace {
using hilum::fast_sigmoid;

// A plane with the rows above and below it that a column of K reads.
template <class T>
struct Rows {
  const T* first;
  int64_t rows, cols;
  const T* outside;  // null: the border's row
  HILUM_INLINE const T* at(int64_t i) const {
    if (outside && (i < 0 || i >= rows)) return outside;
    return first + std::clamp<int64_t>(i, 0, rows - 1) * cols;
  }
  template <int H>
  HILUM_INLINE std::array<const T*, 2 * H + 1> around(int64_t i) const {
    std::array<const T*, 2 * H + 1> all;
    for (int r = -H; r <= H; ++r) all[static_cast<size_t>(r + H)] = at(i + r);
    return all;
  }
};

template <class T, int H>
struct Work {
  const Settings<T>& s;
  std::vector<T> half, zero, line, sum;
  T g[H + 1];
  // What a column of weights receives beyond the border: the sum of the weights further than k.
  T beyond[H];

  HILUM_INLINE explicit Work(const Settings<T>& given)
      : s(given),
        half(static_cast<size_t>(s.cols), T(0.5)),  // 1-2x is 0
        zero(static_cast<size_t>(s.cols), T(0)),
        line(static_cast<size_t>(s.cols) + 2 * H, T(0)),
        sum(static_cast<size_t>(s.cols)) {
    for (int r = 0; r <= H; ++r) g[r] = s.weights[r];
    T tail = 0;
    for (int k = H - 1; k >= 0; --k) beyond[k] = tail += g[k + 1];
  }

  HILUM_INLINE T* middle() { return line.data() + H; }

  // V y of row i, into the middle of the line, and what a row of K reads beside it.
  HILUM_INLINE void down(const T* x, int64_t i) {
    const auto from =
        Rows<T>{x, s.rows, s.cols, s.replicate ? nullptr : half.data()}.template around<H>(i);
    T* const to = middle();
#pragma omp simd
    for (int64_t j = 0; j < s.cols; ++j) {
      T v = g[0] * (1 - 2 * from[H][j]);
      for (int r = 1; r <= H; ++r) v += 2 * g[r] * (1 - (from[H - r][j] + from[H + r][j]));
      to[j] = v;
    }
    for (int r = 1; r <= H; ++r) {
      to[-r] = s.replicate ? to[0] : 0;
      to[s.cols - 1 + r] = s.replicate ? to[s.cols - 1] : 0;
    }
  }
  // H at j of the line.
  HILUM_INLINE T across(const T* v, int64_t j) const {
    T b = g[0] * v[j];
    for (int r = 1; r <= H; ++r) b += g[r] * (v[j - r] + v[j + r]);
    return b;
  }

  HILUM_INLINE void forward(const T* u, T shift, T* states, int64_t kept, T* z) {
    const T rate = 1 / s.epsilon, lambda1 = s.lambda1;
#pragma omp simd
    for (int64_t j = 0; j < s.size(); ++j) states[j] = fast_sigmoid(u[j]);
    for (int64_t t = 0; t < s.iterations; ++t) {
      const T* const x = states + t % kept * s.size();
      const bool last = t + 1 == s.iterations;
      T* const next = last ? z : states + (t + 1) % kept * s.size();
      for (int64_t i = 0; i < s.rows; ++i) {
        down(x, i);
        const T *const v = middle(), *const row = u + i * s.cols;
        T* const to = next + i * s.cols;
        if (last) {
#pragma omp simd
          for (int64_t j = 0; j < s.cols; ++j)
            to[j] = (row[j] - shift - lambda1 * across(v, j)) * rate;
        } else {
#pragma omp simd
          for (int64_t j = 0; j < s.cols; ++j)
            to[j] = fast_sigmoid((row[j] - shift - lambda1 * across(v, j)) * rate);
        }
      }
    }
  }

  // D = Hᵀ G of one row.
  HILUM_INLINE void across_back(const T* grad, T* d) {
    T* const v = middle();
    std::copy(grad, grad + s.cols, v);
    for (int r = 1; r <= H; ++r) v[-r] = v[s.cols - 1 + r] = 0;
#pragma omp simd
    for (int64_t j = 0; j < s.cols; ++j) d[j] = across(v, j);
    if (!s.replicate) return;
    for (int64_t k = 0; k < std::min<int64_t>(H, s.cols); ++k) {
      d[0] += beyond[k] * grad[k];
      d[s.cols - 1] += beyond[k] * grad[s.cols - 1 - k];
    }
  }
  // Vᵀ D of row i, into `sum`.
  HILUM_INLINE void down_back(const T* d, int64_t i) {
    const auto from = Rows<T>{d, s.rows, s.cols, zero.data()}.template around<H>(i);
    T* const to = sum.data();
#pragma omp simd
    for (int64_t j = 0; j < s.cols; ++j) {
      T v = g[0] * from[H][j];
      for (int r = 1; r <= H; ++r) v += g[r] * (from[H - r][j] + from[H + r][j]);
      to[j] = v;
    }
    if (!s.replicate) return;
    const auto add = [&](int64_t k, T weight) {
#pragma omp simd
      for (int64_t j = 0; j < s.cols; ++j) to[j] += weight * d[k * s.cols + j];
    };
    for (int64_t k = 0; k < std::min<int64_t>(H, s.rows); ++k) {
      if (i == 0) add(k, beyond[k]);
      if (i == s.rows - 1) add(s.rows - 1 - k, beyond[k]);
    }
  }

  // Row i's share of what the weights receive along rows and along columns.
  HILUM_INLINE void weigh(const T* x, const T* grad, const T* d, int64_t i, double* rows,
                          double* cols) {
    down(x, i);
    const T* const v = middle();
    const auto from =
        Rows<T>{x, s.rows, s.cols, s.replicate ? nullptr : half.data()}.template around<H>(i);
    for (int r = 0; r <= H; ++r) {
      const T *const above = from[static_cast<size_t>(H - r)], *const below =
                                                                   from[static_cast<size_t>(H + r)];
      T along = 0, across = 0;
#pragma omp simd reduction(+ : along, across)
      for (int64_t j = 0; j < s.cols; ++j) {
        along += grad[j] * (v[j - r] + v[j + r]);
        across += d[j] * (1 - (above[j] + below[j]));
      }
      rows[r] += static_cast<double>(along) * (r == 0 ? 0.5 : 1);
      cols[r] += static_cast<double>(across) * (r == 0 ? 1 : 2);
    }
  }

  HILUM_INLINE Shared backward(const T* u, T shift, const T* states, const T* dz, bool wanted,
                               T* du) {
    std::vector<T> now(dz, dz + s.size()), back(now.size());
    T* const grad = now.data();
    T* const d = back.data();
    const T rate = 1 / s.epsilon, slope = 2 * s.lambda1 * rate;
    // Where x is near 0 or 1 G shrinks a thousandfold an iteration, and below what has all digits
    // a processor is a hundred times slower.
    constexpr T kTiny = std::numeric_limits<T>::min() * T(1e8);
    double rows[H + 1] = {}, cols[H + 1] = {};
    std::fill(du, du + s.size(), T(0));  // the sum of all G, for now
    for (int64_t t = s.iterations; t-- > 0;) {
      const T* const x = states + t * s.size();
      for (int64_t i = 0; i < s.rows; ++i) {
        const int64_t at = i * s.cols;
        across_back(grad + at, d + at);
        if (wanted) weigh(x, grad + at, d + at, i, rows, cols);
      }
      for (int64_t i = 0; i < s.rows; ++i) {
        down_back(d, i);
        const T *const v = sum.data(), *const p = x + i * s.cols;
        T *const total = du + i * s.cols, *const to = grad + i * s.cols;
#pragma omp simd
        for (int64_t j = 0; j < s.cols; ++j) {
          total[j] += to[j];
          const T last = slope * v[j] * (p[j] * (1 - p[j]));
          to[j] = std::abs(last) < kTiny ? 0 : last;
        }
      }
    }
    return finish(u, shift, grad, rows, cols, du);
  }

  HILUM_INLINE Shared finish(const T* u, T shift, const T* first, const double* rows,
                             const double* cols, T* du) {
    const T rate = 1 / s.epsilon;
    double all = 0, pulled = 0, blurred = 0;
    for (int64_t i = 0; i < s.rows; ++i) {
      T *const row = du + i * s.cols, some = 0, pull = 0;
      const T *const from = u + i * s.cols, *const add = first + i * s.cols;
#pragma omp simd reduction(+ : some, pull)
      for (int64_t j = 0; j < s.cols; ++j) {
        some += row[j];
        pull += row[j] * (from[j] - shift);
        row[j] = row[j] * rate + add[j];
      }
      all += static_cast<double>(some), pulled += static_cast<double>(pull);
    }
    Shared out;
    const auto epsilon = static_cast<double>(s.epsilon), lambda1 = static_cast<double>(s.lambda1);
    for (int r = 0; r <= H; ++r) {
      blurred += static_cast<double>(g[r]) * rows[r];
      out.weights[r] = -lambda1 / epsilon * (rows[r] + cols[r]);
    }
    out.shift = -all / epsilon;
    out.lambda1 = -blurred / epsilon;
    out.epsilon = -(pulled - lambda1 * blurred) / (epsilon * epsilon);
    return out;
  }
};

// H as a constant, so that loops over r are unrolled within those along a row.
template <class T, class F>
HILUM_INLINE auto with_half_size(const Settings<T>& s, F work) {
  switch (s.half_size) {
    case 1:
      return work(Work<T, 1>(s));
    case 2:
      return work(Work<T, 2>(s));
    case 3:
      return work(Work<T, 3>(s));
    default:
      return work(Work<T, 4>(s));
  }
}
}  // namespace

#define FORWARD(T)                                                                         \
  void forward(const Settings<T>& s, const T* u, T shift, T* states, int64_t kept, T* z) { \
    with_half_size(                                                                        \
        s, [&](auto&& w)                                                                   \
               __attribute__((always_inline)) { w.forward(u, shift, states, kept, z); });  \
  }
#define BACKWARD(T)                                                                        \
  Shared backward(const Settings<T>& s, const T* u, T shift, const T* states, const T* dz, \
                  bool shared_wanted, T* du) {                                             \
    return with_half_size(                                                                 \
        s, [&](auto&& w) __attribute__((always_inline)) {                                  \
          return w.backward(u, shift, states, dz, shared_wanted, du);                      \
        });                                                                                \
  }
HILUM_EACH_MACHINE FORWARD(float) HILUM_EACH_MACHINE BACKWARD(float) FORWARD(double)
    BACKWARD(double)

}  // namespace soft_threshold
