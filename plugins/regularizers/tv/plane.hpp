// SPDX-License-Identifier: Apache-2.0
// All dual iterations over one plane, and their gradient, without LibTorch.
#pragma once
#include <cstdint>

namespace total_variation {

struct Size {
  int64_t rows, cols;
  int64_t plane() const { return rows * cols; }
};

template <class T>
struct Rof {
  Size size;
  int64_t iterations;
  bool isotropic;
  T lambda, step;
};

/// x = f - λ div p, p <- (p + τ g) / (1 + τ |g|), g = slopes(div p - f/λ), from p = 0. `states` has
/// room for `kept` fields: all `iterations` where there will be a backward, else 2.
void forward(const Rof<float>& s, const float* f, float* states, int64_t kept, float* x);
void forward(const Rof<double>& s, const double* f, double* states, int64_t kept, double* x);

/// From forward's states and dx to df. Returns the gradient to λ, a sum in a fixed order.
double backward(const Rof<float>& s, const float* f, const float* states, const float* dx,
                float* df);
double backward(const Rof<double>& s, const double* f, const double* states, const double* dx,
                double* df);

/// What all planes share of z = (u - shift - div ξ)/ε, ξ <- ξ - τ slopes(Sig(z)) put back into
/// |ξ| <= λ, from ξ = 0.
template <class T>
struct Entropic {
  Size size;
  int64_t iterations;
  bool isotropic;
  T lambda, epsilon, step;
};

/// `states` has room for `kept` of ξ and x = Sig(z), [3,rows,cols], before each iteration: all
/// `iterations` where there will be a backward, else 2.
void forward(const Entropic<float>& s, const float* u, float shift, float* states, int64_t kept,
             float* z);
void forward(const Entropic<double>& s, const double* u, double shift, double* states, int64_t kept,
             double* z);

struct EntropicSlopes {
  double lambda = 0, shift = 0;
};
/// From forward's states and dz to du; the rest are sums in a fixed order.
EntropicSlopes backward(const Entropic<float>& s, const float* states, const float* dz, float* du);
EntropicSlopes backward(const Entropic<double>& s, const double* states, const double* dz,
                        double* du);

}  // namespace total_variation
