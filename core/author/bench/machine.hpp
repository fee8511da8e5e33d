// SPDX-License-Identifier: Apache-2.0
// What a time depends on beside the plugin.
#pragma once
#include <cstdint>
#include <string>

namespace hilum::bench {

struct Machine {
  std::string host, device, torch, git;  // device: "cpu: ..." or "cuda: ..." and its model
  int64_t threads = 0;
};

/// `device`: cpu or cuda. Sets this process's threads where `threads` is not 0. Throws Error
/// (request) for a GPU that is not there.
Machine this_machine(const std::string& device, int64_t threads);

}  // namespace hilum::bench
