// SPDX-License-Identifier: Apache-2.0
#include "core/sdk/kernels/bilinear_rows.hpp"

#include <algorithm>

#include "core/sdk/kernels/element.hpp"

namespace hilum::bilinear {

Axis::Axis(int64_t in, int64_t out, bool corners) : in(in), out(out) {
  const auto n = static_cast<float>(in), m = static_cast<float>(out);
  const float scale = !corners ? n / m : out > 1 ? (n - 1) / (m - 1) : 0;
  for (int64_t o = 0; o < out; ++o) {
    const auto place = static_cast<float>(o);
    const float at = corners ? scale * place : std::max(0.F, scale * (place + 0.5F) - 0.5F);
    const int64_t low = std::min(static_cast<int64_t>(at), in - 1);
    const float high = std::clamp(at - static_cast<float>(low), 0.F, 1.F);
    reads_.push_back({low, std::min(low + 1, in - 1), 1 - high, high});
  }
  // Outputs ascend with what they read, so those that read an input stand together.
  starts_.push_back(0);
  int64_t first = 0;
  for (int64_t i = 0; i < in; ++i) {
    while (first < out && read(first).high < i) ++first;
    for (int64_t o = first; o < out && read(o).low <= i; ++o) {
      const Read& r = read(o);
      const float weight = (r.low == i ? r.low_weight : 0) + (r.high == i ? r.high_weight : 0);
      gives_.push_back({o, weight});
    }
    starts_.push_back(gives_.size());
  }
}

namespace {

template <class T>
HILUM_INLINE void enlarge(const Images& s, const T* small, int64_t o, T* to) {
  const int64_t c = s.channels, width = s.cols->in * c;
  const auto& row = s.rows->read(o);
  const T *const above = small + row.low * width, *const below = small + row.high * width;
  for (int64_t x = 0; x < s.cols->out; ++x) {
    const auto& col = s.cols->read(x);
    const T *const a = above + col.low * c, *const b = above + col.high * c;
    const T *const d = below + col.low * c, *const e = below + col.high * c;
    const float wa = row.low_weight * col.low_weight, wb = row.low_weight * col.high_weight;
    const float wd = row.high_weight * col.low_weight, we = row.high_weight * col.high_weight;
    T* const pixel = to + x * s.step;
#pragma omp simd
    for (int64_t j = 0; j < c; ++j)
      store(wa * load(a[j]) + wb * load(b[j]) + wd * load(d[j]) + we * load(e[j]), pixel[j]);
  }
}

// sum += the pixels of one row that read column i.
template <class T>
HILUM_INLINE void gather_row(const Images& s, const T* row, float weight, int64_t i, float* sum) {
  const int64_t c = s.channels;
  const auto *g = s.cols->begin(i), *const end = s.cols->end(i);
  for (; g + 4 <= end; g += 4) {
    const T *const p0 = row + g[0].output * s.step, *const p1 = row + g[1].output * s.step;
    const T *const p2 = row + g[2].output * s.step, *const p3 = row + g[3].output * s.step;
    const float w0 = weight * g[0].weight, w1 = weight * g[1].weight, w2 = weight * g[2].weight,
                w3 = weight * g[3].weight;
#pragma omp simd
    for (int64_t j = 0; j < c; ++j)
      sum[j] += (w0 * load(p0[j]) + w1 * load(p1[j])) + (w2 * load(p2[j]) + w3 * load(p3[j]));
  }
  for (; g < end; ++g) {
    const T* const p = row + g->output * s.step;
    const float w = weight * g->weight;
#pragma omp simd
    for (int64_t j = 0; j < c; ++j) sum[j] += w * load(p[j]);
  }
}

template <class T>
HILUM_INLINE void gather(const Images& s, const T* large, int64_t i, float* sum, T* to) {
  const int64_t c = s.channels, width = s.cols->out * s.step;
  for (int64_t x = 0; x < s.cols->in; ++x) {
    std::fill(sum, sum + c, 0.F);
    for (const auto* g = s.rows->begin(i); g < s.rows->end(i); ++g)
      gather_row(s, large + g->output * width, g->weight, x, sum);
    T* const pixel = to + x * c;
#pragma omp simd
    for (int64_t j = 0; j < c; ++j) store(sum[j], pixel[j]);
  }
}
}  // namespace

#define BILINEAR(T)                                                                                \
  template <>                                                                                      \
  HILUM_EACH_MACHINE void enlarged<T>(const Images& s, const T* small, int64_t o, T* to) {         \
    enlarge(s, small, o, to);                                                                      \
  }                                                                                                \
  template <>                                                                                      \
  HILUM_EACH_MACHINE void gathered_back<T>(const Images& s, const T* large, int64_t i, float* sum, \
                                           T* to) {                                                \
    gather(s, large, i, sum, to);                                                                  \
  }
BILINEAR(float)
BILINEAR(uint16_t)

}  // namespace hilum::bilinear
