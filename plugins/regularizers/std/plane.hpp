// SPDX-License-Identifier: Apache-2.0
// All iterations of soft threshold dynamics over one plane, and their gradient, without LibTorch.
#pragma once
#include <cstdint>

namespace soft_threshold {

constexpr int64_t kLargestHalfSize = 4;

/// What all planes share.
template <class T>
struct Settings {
  int64_t rows, cols, iterations, half_size;
  bool replicate;    // 1-2x outside the image: the border's value, or 0
  const T* weights;  // [half_size+1], of one axis of K from its middle on
  T lambda1, epsilon;

  int64_t size() const { return rows * cols; }
};

/// One plane's share of the gradient to what all planes share; a sum in a fixed order, so that
/// neither threads nor the order of planes change a digit.
struct Shared {
  double shift = 0, lambda1 = 0, epsilon = 0;
  double weights[kLargestHalfSize + 1] = {};
};

/// z = (u - shift - λ1 K*(1-2x)) / ε, x = Sig(z), from x = Sig(u). `states` has room for x of
/// `kept` iterations, which is `iterations` where there will be a backward, else 2.
void forward(const Settings<float>& s, const float* u, float shift, float* states, int64_t kept,
             float* z);
void forward(const Settings<double>& s, const double* u, double shift, double* states, int64_t kept,
             double* z);

/// From forward's states and dz to du. Without `shared_wanted` only `shift` is filled.
Shared backward(const Settings<float>& s, const float* u, float shift, const float* states,
                const float* dz, bool shared_wanted, float* du);
Shared backward(const Settings<double>& s, const double* u, double shift, const double* states,
                const double* dz, bool shared_wanted, double* du);

}  // namespace soft_threshold
