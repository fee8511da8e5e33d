// SPDX-License-Identifier: Apache-2.0
// A value of an image in memory: a float, or the bits of a bfloat16 that computes as one.
#pragma once
#include "hilum/simd.hpp"

namespace hilum {

HILUM_INLINE float load(float v) { return v; }
HILUM_INLINE float load(uint16_t v) { return from_bfloat16(v); }
HILUM_INLINE void store(float v, float& to) { to = v; }
HILUM_INLINE void store(float v, uint16_t& to) { to = to_bfloat16(v); }

/// A row as floats.
template <class T>
void copy_row(const T* from, int64_t count, float* to) {
  for (int64_t j = 0; j < count; ++j) to[j] = load(from[j]);
}

}  // namespace hilum
