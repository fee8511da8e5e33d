// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

namespace hilum::util {

/// SplitMix64 started from a key such as {seed, epoch, position}: the same numbers on every machine
/// (the distributions of <random> differ between libraries), and no state to save for a resume.
class Random {
 public:
  explicit Random(std::initializer_list<uint64_t> key) {
    for (const uint64_t part : key) state_ = mix(state_ ^ mix(part + kStep));
  }
  uint64_t next() { return mix(state_ += kStep); }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // [0,1)
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  bool chance(double probability) { return uniform() < probability; }
  uint64_t below(uint64_t n) { return ((next() >> 32) * n) >> 32; }  // n < 2^32
  /// Nearly normal, mean 0, deviation 1: the sum of four 16-bit uniforms, which needs no libm.
  double normal() {
    const uint64_t bits = next();
    const double sum = static_cast<double>((bits & 0xffff) + (bits >> 16 & 0xffff) +
                                           (bits >> 32 & 0xffff) + (bits >> 48));
    return (sum - 131070.0) * (1.0 / 37837.23);  // deviation of the sum: 65536 * sqrt(4 / 12)
  }
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  static constexpr uint64_t kStep = 0x9e3779b97f4a7c15;
  static constexpr uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint64_t state_ = 0;
};

}  // namespace hilum::util
