// SPDX-License-Identifier: Apache-2.0
// How a child process ended, in words.
#include <cstring>
#include <sstream>

#include "core/plugins/process.hpp"
#include "hilum/names.hpp"

namespace hilum::plugins {
namespace {

std::string seconds(std::chrono::milliseconds time) {
  std::ostringstream text;
  text << static_cast<double>(time.count()) / 1000 << " s";
  return text.str();
}

}  // namespace

// The last lines of standard error: "terminate called after throwing ...".
std::string last_words(const std::string& errors) {
  std::istringstream in(errors);
  Strings lines;
  for (std::string line; std::getline(in, line);) {
    const size_t start = line.find_first_not_of(" \t\r");
    if (start != std::string::npos) lines.push_back(line.substr(start, 200));
  }
  if (lines.size() > 2) lines.erase(lines.begin(), lines.end() - 2);
  return lines.empty() ? "" : ". Its last words: " + join(lines, " ");
}

std::string how_it_ended(const Ended& ended, std::optional<int> exit,
                         std::chrono::milliseconds patience, const std::string& when) {
  std::string cause;
  if (ended.timed_out)
    cause = "hangs: no end after " + seconds(patience) + when;
  else if (exit)
    cause = "called exit(" + std::to_string(*exit) + ")" + when;
  else if (ended.signal != 0)
    cause = "crashed with signal " + std::to_string(ended.signal) + " (SIG" +
            sigabbrev_np(ended.signal) + ")" + when;
  else
    cause = "ended the process with exit code " + std::to_string(ended.code) + when;
  return cause + last_words(ended.errors);
}

}  // namespace hilum::plugins
