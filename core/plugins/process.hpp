// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <functional>
#include <optional>
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

/// "crashed with signal 11 (SIGSEGV) while being loaded. Its last words: ...", of a child that
/// ended too early. `exit`: what it said of a call of exit(); `when`: " while being loaded".
std::string how_it_ended(const Ended& ended, std::optional<int> exit,
                         std::chrono::milliseconds patience, const std::string& when);
/// ". Its last words: ..." of a process's standard error, or "".
std::string last_words(const std::string& errors);

}  // namespace hilum::plugins
