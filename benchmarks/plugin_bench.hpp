// SPDX-License-Identifier: Apache-2.0
// What a plugin's benchmark needs to say; no LibTorch here, so that it compiles in a second.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace hilum::bench {

/// One case: inputs by name and shape (see core/model/alone.hpp), options as in a file:
///   {"128x128", {{"x", {10, 1, 128, 128}}}, {{"width", "32"}}}
struct WrittenCase {
  std::string name;
  std::vector<std::pair<std::string, std::vector<int64_t>>> inputs;
  std::vector<std::pair<std::string, std::string>> options = {};
  bool fused = true;  // false: HILUM_FUSED=0, what a plugin's own kernel is compared with
};
/// Registers forward (eval, no gradient) and forward+backward (train) of each case, and runs what
/// the command line asks of Google Benchmark.
int run(int argc, char** argv, const std::string& address, const std::vector<WrittenCase>& cases);

}  // namespace hilum::bench
