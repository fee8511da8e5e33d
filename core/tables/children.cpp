// SPDX-License-Identifier: Apache-2.0
#include "core/tables/children.hpp"

#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "core/train/interrupt.hpp"
#include "hilum/error.hpp"

namespace hilum::tables {
namespace {

// A child inherits the cores of the thread that starts it.
class Cores {
 public:
  Cores(int64_t places, int64_t place) {
    CPU_ZERO(&all_);
    if (places < 2 || sched_getaffinity(0, sizeof all_, &all_) != 0) return;
    const int64_t count = CPU_COUNT(&all_), share = count / places;
    if (share < 1) return;
    cpu_set_t mine;
    CPU_ZERO(&mine);
    int64_t seen = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &all_)) {
        if (seen / share == place) CPU_SET(cpu, &mine);
        ++seen;
      }
    changed_ = sched_setaffinity(0, sizeof mine, &mine) == 0;
  }
  ~Cores() {
    if (changed_) sched_setaffinity(0, sizeof all_, &all_);
  }
  Cores(const Cores&) = delete;
  Cores& operator=(const Cores&) = delete;

 private:
  cpu_set_t all_{};
  bool changed_ = false;
};

pid_t start(const std::vector<std::string>& command, int64_t places, int64_t place) {
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (places > 1) posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  const Cores cores(places, place);
  // A group of its own: Ctrl-C on a terminal asks us, and we ask the children once. A second signal
  // would end them at once.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  pid_t pid = 0;
  const int failed =
      posix_spawn(&pid, arguments[0], &files, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (failed) throw Error(command[0] + ": cannot be started (" + std::strerror(failed) + ").");
  return pid;
}

}  // namespace

bool run_children(int64_t places, const std::function<Next()>& next,
                  const std::function<void(size_t, int)>& ended) {
  struct Child {
    pid_t pid;
    size_t index;
    int64_t place;
  };
  const train::Interrupt interrupt;
  train::Interrupt::bind_children();
  std::vector<Child> children;
  bool told = false;
  for (;;) {
    while (!interrupt.asked() && std::ssize(children) < places) {
      const Next job = next();
      if (job.command.empty()) break;
      int64_t place = 0;
      while (std::ranges::any_of(children, [&](const Child& c) { return c.place == place; }))
        ++place;
      children.push_back({start(job.command, places, place), job.index, place});
    }
    if (children.empty()) return !interrupt.asked();
    if (interrupt.asked() && !told)
      for (const auto& child : children) kill(child.pid, SIGTERM);
    told = interrupt.asked();
    for (size_t i = 0; i < children.size();) {
      int status = 0;
      if (waitpid(children[i].pid, &status, WNOHANG) == children[i].pid) {
        const size_t index = children[i].index;
        children.erase(children.begin() + static_cast<std::ptrdiff_t>(i));
        ended(index, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
      } else {
        ++i;
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace hilum::tables
