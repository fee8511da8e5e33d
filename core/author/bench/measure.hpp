// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/author/bench/case.hpp"
#include "core/runs/benchmarks.hpp"

namespace hilum {
struct Plugin;
}

namespace hilum::bench {

struct Measuring {
  std::string device = "cpu";  // or cuda
  int64_t repetitions = 12;    // samples of each timing
  double seconds = 0.05;       // at least, of each repetition
};

struct Measured {
  std::vector<runs::Timing> timings;  // forward and forward_backward of each case, in their order
  Strings left_out;  // default cases that the plugin cannot compute, each with the reason
};

/// Builds every case before it measures the first. Throws Error (request) for a case of a file that
/// the plugin cannot compute, or where it can compute none.
Measured measure(const Plugin& plugin, const std::vector<Case>& cases, const Measuring& how);

}  // namespace hilum::bench
