// SPDX-License-Identifier: Apache-2.0
// The Block of block.hpp on a processor, for tests: the threads of a phase one after the other,
// forwards, backwards, or in turns drawn by chance. A kernel whose phases are free of races gives
// the same bits in all three.
#pragma once
#include <algorithm>
#include <random>
#include <vector>

#include "block.hpp"

namespace hilum_kernels {

enum class Order { forwards, backwards, mixed };

class EmulatedBlock {
 public:
  EmulatedBlock(int threads, Order order) : threads_(threads), order_(order) {}

  template <class T, int N>
  class Own {
   public:
    explicit Own(EmulatedBlock& block)
        : block_(block), all_(static_cast<size_t>(block.threads_ * N), T(0)) {}
    T& operator[](int k) { return all_[static_cast<size_t>(block_.thread_ * N + k)]; }

   private:
    EmulatedBlock& block_;
    std::vector<T> all_;
  };

  template <class F>
  void each(Area area, F f) {
    std::vector<Walk> walks;
    std::vector<int> turns;  // whose turn it is: a thread works at its own places in their order
    for (int i = 0; i < threads_; ++i) {
      walks.emplace_back(area, i, threads_);
      for (Walk at = walks.back(); !at.ends(); at.step()) turns.push_back(i);
    }
    if (order_ == Order::backwards) std::reverse(turns.begin(), turns.end());
    if (order_ == Order::mixed) std::shuffle(turns.begin(), turns.end(), chance_);
    for (const int i : turns) {
      Walk& at = walks[static_cast<size_t>(thread_ = i)];
      f(at.row(), at.col());
      at.step();
    }
  }
  template <class F>
  void threads(F f) {
    for (int i = 0; i < threads_; ++i) {
      thread_ = order_ == Order::forwards ? i : threads_ - 1 - i;
      f();
    }
  }
  template <int N>
  void sum(Own<double, N>& own, double* to) {
    for (int k = 0; k < N; ++k) {
      to[k] = 0;
      for (thread_ = 0; thread_ < threads_; ++thread_) to[k] += own[k];
    }
    thread_ = 0;
  }

 private:
  int threads_, thread_ = 0;
  Order order_;
  std::mt19937 chance_{7};
};

}  // namespace hilum_kernels
