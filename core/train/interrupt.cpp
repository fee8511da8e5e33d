// SPDX-License-Identifier: Apache-2.0
#include "core/train/interrupt.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>

namespace hilum::train {
namespace {

std::atomic<int> signals{0};

void handler(int) {
  if (signals.fetch_add(1) > 0) _exit(130);
}

}  // namespace

Interrupt::Interrupt() {
  signals = 0;
  std::signal(SIGINT, handler);
  std::signal(SIGTERM, handler);
}
Interrupt::~Interrupt() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}
bool Interrupt::asked() const { return signals > 0; }

}  // namespace hilum::train
