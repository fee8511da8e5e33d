// SPDX-License-Identifier: Apache-2.0
// The launches of tv played on a processor, for tests.
#pragma once
#include <cmath>
#include <vector>

#include "emulated.hpp"
#include "kernel_run.hpp"

namespace total_variation {

using hilum_kernels::EmulatedBlock;
using hilum_kernels::Order;

struct Emulated {
  bool isotropic;
  int64_t floats, blocks;  // shared memory, tiles of all planes
  Order order;
  int threads, launched = 0;

  template <class Work>
  void each_block(int64_t count, Work work) {
    ++launched;
    for (int64_t done = 0; done < count; ++done) {
      const int64_t i = order == Order::forwards ? done : count - 1 - done;
      // NaN: what was not written must not be read, nor what another block left.
      std::vector<float> shared(static_cast<size_t>(floats), std::nanf(""));
      EmulatedBlock block(threads, order);
      work(block, i, shared.data());
    }
  }
  template <class Shape>
  void forward(const Job& job) {
    each_block(blocks, [&](EmulatedBlock& block, int64_t i, float* shared) {
      if (isotropic)
        typename Kernel<Shape, true, EmulatedBlock>::Forward(block, job, i, shared).run();
      else
        typename Kernel<Shape, false, EmulatedBlock>::Forward(block, job, i, shared).run();
    });
  }
  template <class Shape>
  void backward(const Job& job) {
    each_block(blocks, [&](EmulatedBlock& block, int64_t i, float* shared) {
      if (isotropic)
        typename Kernel<Shape, true, EmulatedBlock>::Backward(block, job, i, shared).run();
      else
        typename Kernel<Shape, false, EmulatedBlock>::Backward(block, job, i, shared).run();
    });
  }
  void gather(const GatherJob& job) {
    each_block(1,
               [&](EmulatedBlock& block, int64_t, float*) { total_variation::gather(block, job); });
  }
};

}  // namespace total_variation
