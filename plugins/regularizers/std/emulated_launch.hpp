// SPDX-License-Identifier: Apache-2.0
// The launches of std played on a processor, for tests.
#pragma once
#include <cmath>
#include <vector>

#include "emulated.hpp"
#include "kernel_run.hpp"

namespace soft_threshold {

using hilum_kernels::EmulatedBlock;
using hilum_kernels::Order;

struct Emulated {
  int half_size;
  int64_t floats, blocks;  // shared memory, tiles of all planes
  Order order = Order::forwards;
  int threads = 32;
  int launched = 0;

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
  void forward(const ForwardJob& job) {
    with_half_size(half_size, [&](auto h) {
      each_block(blocks, [&](EmulatedBlock& block, int64_t i, float* shared) {
        Forward<decltype(h)::value, EmulatedBlock>(block, job, i, shared).run();
      });
    });
  }
  void backward(const BackwardJob& job) {
    with_half_size(half_size, [&](auto h) {
      each_block(blocks, [&](EmulatedBlock& block, int64_t i, float* shared) {
        Backward<decltype(h)::value, EmulatedBlock>(block, job, i, shared).run();
      });
    });
  }
  void gather(const GatherJob& job) {
    with_half_size(half_size, [&](auto h) {
      each_block(1, [&](EmulatedBlock& block, int64_t, float*) {
        soft_threshold::gather<decltype(h)::value>(block, job);
      });
    });
  }
};

}  // namespace soft_threshold
