// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>

namespace hilum::runs {

/// A run on another machine, of which nothing was heard for so long, is taken for crashed.
constexpr int64_t kSilence = 300;  // seconds

/// A process so that a reused pid is not taken for it.
struct Process {
  int64_t pid = 0;
  std::string boot;  // "<boot id>/<pid namespace>/<start time in clock ticks>"
};
enum class Life {
  alive,
  gone,
  elsewhere
};  // elsewhere: another machine or container, cannot be seen

const Process& this_process();
Life life(const Process& process);
/// Seconds since 1970 of "2026-11-22T00:13:05.123Z"; 0 where it is not a time.
int64_t seconds(const std::string& time);
/// True if a run recorded as running is not: its process is gone or, elsewhere, has long been
/// silent.
bool crashed(const Process& process, const std::string& heartbeat);

}  // namespace hilum::runs
