// SPDX-License-Identifier: Apache-2.0
#include "core/runs/process.hpp"

#include <pthread.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace hilum::runs {
namespace {

// What two processes must share for one to see the other's /proc entry.
std::string here() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  std::error_code none;
  return boot + "/" + std::filesystem::read_symlink("/proc/self/ns/pid", none).string() + "/";
}

// When the process started, in clock ticks since boot; "" where there is none, or only a zombie is
// left.
std::string start_time(int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const size_t name_end = text.rfind(')');  // the name in parentheses may hold anything
  if (name_end == std::string::npos) return "";
  std::istringstream fields(text.substr(name_end + 1));
  std::string state, field;
  fields >> state;
  if (state == "Z" || state == "X") return "";
  for (int i = 4; i <= 22; ++i)
    fields >> field;  // proc(5): field 3 is the state, 22 the start time
  return field;
}

Process make_process() { return {getpid(), here() + start_time(getpid())}; }

}  // namespace

const Process& this_process() {
  static Process process = make_process();
  if (process.pid != getpid()) process = make_process();  // after fork
  return process;
}

Life life(const Process& process) {
  static const std::string place = here();
  if (process.boot.compare(0, place.size(), place) != 0) return Life::elsewhere;
  const std::string start = start_time(process.pid);
  return !start.empty() && process.boot == place + start ? Life::alive : Life::gone;
}

int64_t seconds(const std::string& time) {
  std::tm parts{};
  const char* rest = strptime(time.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  return rest == nullptr ? 0 : static_cast<int64_t>(timegm(&parts));
}

bool crashed(const Process& process, const std::string& heartbeat) {
  const Life state = life(process);
  if (state != Life::elsewhere) return state == Life::gone;
  return seconds(heartbeat) + kSilence < static_cast<int64_t>(std::time(nullptr));
}

}  // namespace hilum::runs
