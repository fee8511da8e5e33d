// SPDX-License-Identifier: Apache-2.0
// Between a subject and Google Benchmark.
#pragma once
#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <vector>

#include "core/author/bench/subject.hpp"

namespace hilum::bench {

/// Registers "NAME/forward" or "NAME/forward_backward". `subject` is asked when its turn comes;
/// `samples`: in one call. Real time, since LibTorch's threads count too.
benchmark::internal::Benchmark* add_pass(const std::string& name, Pass pass, int64_t samples,
                                         std::function<Subject&()> subject);

/// Keeps the seconds of one call in each repetition, and prints nothing.
class Collector : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;
  std::vector<double> seconds;
};

}  // namespace hilum::bench
