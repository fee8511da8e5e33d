// SPDX-License-Identifier: Apache-2.0
#include "core/train/interrupt.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>

namespace hilum::train {
namespace {

std::atomic<int> signals{0};

void handler(int) {
  if (signals.fetch_add(1) > 0) _exit(130);
}

constexpr const char* kParent = "HILUM_STOPS_WITH";  // the process that this one must not outlive

void stop_with_parent() {
  const char* named = std::getenv(kParent);
  if (!named || std::to_string(getpid()) == named) return;  // the one that binds its children
  const std::string parent = named;
  unsetenv(kParent);  // of this process, and not of those that it starts
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (std::to_string(getppid()) != parent) signals = 1;  // it is gone already
}

}  // namespace

Interrupt::Interrupt() {
  signals = 0;
  std::signal(SIGINT, handler);
  std::signal(SIGTERM, handler);
  stop_with_parent();
}
Interrupt::~Interrupt() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}
void Interrupt::bind_children() { setenv(kParent, std::to_string(getpid()).c_str(), 1); }
bool Interrupt::asked() const { return signals > 0; }

}  // namespace hilum::train
