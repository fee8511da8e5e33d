// SPDX-License-Identifier: Apache-2.0
#include "core/plugins/speak.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "core/plugins/declaration_json.hpp"

namespace hilum::plugins {
namespace {

constexpr rlim_t kStack = 64 << 20;  // bytes
int report_to = -1;                  // the standard output as it was

// A library that calls exit() gets here first: later handlers belong to LibTorch and may wait for a
// lock that this thread holds.
void told_to_exit(int code, void*) {
  say({{"exit", code}});
  _exit(0);
}

}  // namespace

void say(const nlohmann::ordered_json& json) {
  const std::string text = dump(json) + "\n";
  for (size_t done = 0; done < text.size();) {
    const ssize_t wrote = write(report_to, text.data() + done, text.size() - done);
    if (wrote <= 0) _exit(1);  // nobody listens
    done += static_cast<size_t>(wrote);
  }
}

void become_child() {
  report_to = dup(STDOUT_FILENO);
  dup2(STDERR_FILENO, STDOUT_FILENO);  // what a library prints is not ours
  prctl(PR_SET_PDEATHSIG, SIGKILL);    // a hanging library must not outlive who asked
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  rlimit stack{};  // endless recursion ends in a fault, and not with the machine's memory
  getrlimit(RLIMIT_STACK, &stack);
  stack.rlim_cur = std::min<rlim_t>(stack.rlim_cur, kStack);
  setrlimit(RLIMIT_STACK, &stack);
  // A sanitizer's handlers would turn a crash into an exit.
  for (const int s : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) std::signal(s, SIG_DFL);
  on_exit(told_to_exit, nullptr);
}

}  // namespace hilum::plugins
