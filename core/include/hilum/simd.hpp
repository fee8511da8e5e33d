// SPDX-License-Identifier: Apache-2.0
// For loops that a plugin writes by hand: no LibTorch here. CMake's hilum_vectorise(file.cpp) gives
// such a file the options that it wants.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

// One copy of a function for each set of instructions, chosen when the library is loaded. They
// round differently in the last digit. (The address sanitiser is not there yet when the choice is
// made.)
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__)
#define HILUM_EACH_MACHINE \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define HILUM_EACH_MACHINE
#endif
// Into each of the copies: what is called from one is not cloned itself.
#define HILUM_INLINE __attribute__((always_inline)) inline

namespace hilum {

/// Whether operations written by hand are used; off where the environment has HILUM_FUSED=0, to
/// compare with LibTorch's. A run records it with its precision.
inline bool fused_kernels() {
  const char* const set = std::getenv("HILUM_FUSED");
  return set == nullptr || std::string_view(set) != "0";
}

/// 1 / (1 + exp(-z)), to 2 units in the last place. NaN stays NaN.
HILUM_INLINE float fast_sigmoid(float z) {
  z = z < -87.F ? -87.F : z;
  z = z > 87.F ? 87.F : z;
  // exp(-z) = 2^n exp(r), |r| <= ln(2)/2; adding 1.5 * 2^23 rounds n to an integer, in its low
  // bits.
  constexpr float kRound = 12582912.F;
  const float moved = z * -1.44269504F + kRound, n = moved - kRound;
  const float r = (-z - n * 0.693145752F) - n * 1.42860677e-6F;
  float p = 1.9875691500e-4F;  // Cephes' polynomial
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1;
  const auto bits = std::bit_cast<uint32_t>(moved) << 23;
  return 1 / (1 + std::bit_cast<float>(bits + std::bit_cast<uint32_t>(p)));
}
HILUM_INLINE double fast_sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

/// Bits of a bfloat16: the upper half of a float's.
HILUM_INLINE float from_bfloat16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}
/// To the nearest, ties to even. NaN stays NaN where arithmetic made it.
HILUM_INLINE uint16_t to_bfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

}  // namespace hilum
