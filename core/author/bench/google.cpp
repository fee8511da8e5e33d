// SPDX-License-Identifier: Apache-2.0
#include "core/author/bench/google.hpp"

namespace hilum::bench {

benchmark::internal::Benchmark* add_pass(const std::string& name, Pass pass, int64_t samples,
                                         std::function<Subject&()> subject) {
  const auto work = [pass, samples, subject = std::move(subject)](benchmark::State& state) {
    Subject& s = subject();
    s.begin(pass);
    for (auto _ : state) s.step();
    state.SetItemsProcessed(state.iterations() * samples);
  };
  return benchmark::RegisterBenchmark((name + "/" + to_text(pass)).c_str(), work)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

bool Collector::ReportContext(const Context&) { return true; }

void Collector::ReportRuns(const std::vector<Run>& runs) {
  for (const auto& run : runs)
    if (run.run_type == Run::RT_Iteration && run.iterations > 0)
      seconds.push_back(run.real_accumulated_time / static_cast<double>(run.iterations));
}

}  // namespace hilum::bench
