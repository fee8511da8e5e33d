// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace hilum::plugins {

/// How a process ended.
struct Ended {
  bool started = true;     // false: it could not be started at all; `errors` says why
  bool timed_out = false;  // it was killed
  int signal = 0, code = 0;
  std::string errors;  // the end of its standard error
};

/// Runs a program to its end. `line` gets each line of its standard output and returns how long the
/// next one may take; it does not throw. The process is the leader of its own group, which is
/// killed as a whole.
Ended run_process(const std::vector<std::string>& command, std::chrono::milliseconds first,
                  const std::function<std::chrono::milliseconds(const std::string&)>& line);

}  // namespace hilum::plugins
