// SPDX-License-Identifier: Apache-2.0
// Is it slower than it was? No LibTorch.
#pragma once
#include <string>
#include <vector>

#include "core/metrics/paired.hpp"
#include "core/runs/benchmarks.hpp"
#include "hilum/names.hpp"

namespace hilum::bench {

/// none: the two cannot be held against each other; see the notes.
enum class Verdict { none, same, slower, faster };
std::string to_text(Verdict verdict);

struct Change {
  std::string name;            // "32x32/forward"
  double then = 0, now = 0;    // medians, in seconds
  double ratio = 1;            // now / then
  metrics::Interval interval;  // of the ratio, 95 %
  Verdict verdict = Verdict::none;
};
struct Comparison {
  std::vector<Change> changes;  // timings that both have, in the order of `now`
  Strings notes;                // in what the two differ, beside the library
  bool slower() const;
};

struct Judging {
  double noise = 0.05;  // ratios from 1 / (1 + noise) to 1 + noise are noise
  bool anyway = false;  // a verdict even where machine, threads, LibTorch or options differ
};
/// The interval is a bootstrap over the samples of both, with a fixed seed. slower: the interval
/// lies above 1 and the ratio above 1 + noise; faster: the same the other way. Throws Error
/// (request) where no case stands in both.
Comparison compare(const runs::Recording& then, const runs::Recording& now, const Judging& how);

}  // namespace hilum::bench
