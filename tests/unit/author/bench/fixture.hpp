// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/metrics/statistics.hpp"
#include "core/runs/benchmarks.hpp"
#include "hilum/error.hpp"

namespace hilum::bench {

/// A folder of its own, gone after the test.
class InFolder : public ::testing::Test {
 protected:
  InFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "hilum_bench_XXXXXX").string();
    folder = mkdtemp(name.data());
  }
  ~InFolder() override { std::filesystem::remove_all(folder); }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(folder / name) << text;
    return folder / name;
  }
  std::filesystem::path folder;
};

inline runs::Timing timing(const std::string& name, std::vector<double> samples) {
  runs::Timing t{.name = name,
                 .options = R"({"inputs":{"a":[10,64,32,32],"b":[10,64,32,32]},"options":{}})"};
  t.samples = std::move(samples);
  t.median = metrics::percentile(t.samples, 50);
  t.low = metrics::percentile(t.samples, 25), t.high = metrics::percentile(t.samples, 75);
  return t;
}

/// Twelve samples about 1 ms, less than 1 % apart.
inline std::vector<double> steady(double factor = 1) {
  std::vector<double> samples;
  for (const int i : {3, 8, 1, 11, 0, 6, 9, 2, 10, 4, 7, 5})
    samples.push_back(factor * (1e-3 + 4e-7 * i));
  return samples;
}

inline runs::Recording some_recording(const std::string& plugin = "gated", double factor = 1) {
  runs::Recording r;
  r.kind = "fusion", r.plugin = plugin, r.version = "1.0", r.sha256 = std::string(64, 'a');
  r.build = "sdk 2", r.host = "node1", r.device = "cpu: Some CPU", r.threads = 2;
  r.torch = "2.11.0", r.git = "0123abc", r.tag = "before";
  r.timings = {timing("32x32/forward", steady(factor)),
               timing("32x32/forward_backward", steady(3 * factor))};
  return r;
}

template <class F>
std::string message_of(F&& code, Fault fault = Fault::request) {
  try {
    code();
  } catch (const Error& e) {
    EXPECT_EQ(static_cast<int>(e.fault), static_cast<int>(fault)) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return "";
}

}  // namespace hilum::bench
