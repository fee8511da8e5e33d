// SPDX-License-Identifier: Apache-2.0
#include "plugin_bench.hpp"

#include <stdlib.h>

#include <cstdio>
#include <memory>

#include "core/author/bench/google.hpp"
#include "core/plugins/loader.hpp"

namespace hilum::bench {
namespace {

// Built when its turn comes: --benchmark_filter and --benchmark_list_tests build nothing else.
void add(const std::string& address, const Plugin& plugin, const WrittenCase& written) {
  const auto subject = std::make_shared<std::unique_ptr<Subject>>();
  const auto built = [&plugin, &written, subject]() -> Subject& {
    if (!*subject)
      *subject = std::make_unique<Subject>(
          plugin, Case{written.name, written.inputs, model::options_of(plugin, written.options)},
          torch::kCPU);
    if (written.fused)
      unsetenv("HILUM_FUSED");
    else
      setenv("HILUM_FUSED", "0", 1);
    return **subject;
  };
  for (const auto pass : kPasses)
    add_pass(address + "/" + written.name, pass, written.inputs.at(0).second.at(0), built);
}

}  // namespace

int run(int argc, char** argv, const std::string& address, const std::vector<WrittenCase>& cases) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  try {
    plugins::Loader loader;
    const auto slash = address.find('/');
    const Plugin& plugin = loader.load(address.substr(0, slash), address.substr(slash + 1));
    for (const auto& one : cases) add(address, plugin, one);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::ClearRegisteredBenchmarks();  // parts go before the loader of their plugin
    benchmark::Shutdown();
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.fault);
  }
}

}  // namespace hilum::bench
