// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

namespace hilum::runs {

/// Runs `work` in a process of its own, whose exit code it returns; gives its pid.
template <class F>
pid_t spawn(F&& work) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  int code = 1;
  try {
    code = work();
  } catch (const std::exception& e) {
    fprintf(stderr, "%s\n", e.what());
  }
  _exit(code);
}

/// Its exit code, or 128 and the signal that ended it.
inline int wait_for(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// The same as somebody who owns nothing here: root may write anywhere.
template <class F>
int as_nobody(F&& work) {
  return wait_for(spawn([&] { return geteuid() == 0 && setuid(65534) != 0 ? 99 : work(); }));
}

}  // namespace hilum::runs
