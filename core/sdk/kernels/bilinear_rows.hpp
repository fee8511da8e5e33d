// SPDX-License-Identifier: Apache-2.0
// Bilinear interpolation of images "channels last", [H,W,channels], without LibTorch.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hilum::bilinear {

/// Of one axis: what output o reads, and what input i gives, with weights as torch's.
class Axis {
 public:
  Axis(int64_t in, int64_t out, bool corners);
  struct Read {
    int64_t low, high;
    float low_weight, high_weight;
  };
  struct Give {
    int64_t output;
    float weight;
  };
  const Read& read(int64_t o) const { return reads_[static_cast<std::size_t>(o)]; }
  const Give* begin(int64_t i) const {
    return gives_.data() + starts_[static_cast<std::size_t>(i)];
  }
  const Give* end(int64_t i) const {
    return gives_.data() + starts_[static_cast<std::size_t>(i) + 1];
  }
  int64_t in, out;

 private:
  std::vector<Read> reads_;
  std::vector<std::size_t> starts_;
  std::vector<Give> gives_;  // of input 0, then of input 1, ...; outputs ascend
};

/// A pixel of the larger image is `step` values after the one before: there may be other channels.
struct Images {
  const Axis *rows, *cols;
  int64_t channels, step;
};

/// Row o of one enlarged image. T: float, or uint16_t for the bits of a bfloat16.
template <class T>
void enlarged(const Images& s, const T* small, int64_t o, T* to);
/// Row i of the gradient to the small image. `sum` has room for [channels].
template <class T>
void gathered_back(const Images& s, const T* large, int64_t i, float* sum, T* to);

}  // namespace hilum::bilinear
