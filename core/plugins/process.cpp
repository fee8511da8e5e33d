// SPDX-License-Identifier: Apache-2.0
#include "core/plugins/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace hilum::plugins {
namespace {
using Clock = std::chrono::steady_clock;

constexpr size_t kKeptErrors = 4000;  // bytes

struct Pipe {
  std::array<int, 2> ends{-1, -1};
  Pipe() {
    if (pipe2(ends.data(), O_CLOEXEC) != 0) ends = {-1, -1};
  }
  ~Pipe() { close_end(0), close_end(1); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int reader() const { return ends[0]; }
  int writer() const { return ends[1]; }
  void close_end(size_t i) {
    if (ends[i] >= 0) close(ends[i]);
    ends[i] = -1;
  }
};

// posix_spawn and not fork: the caller may have threads. Returns 0 or an errno.
int spawn(const std::vector<std::string>& command, const Pipe& out, const Pipe& err, pid_t& pid) {
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, out.writer(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, err.writer(), STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  const int failed =
      posix_spawn(&pid, arguments[0], &files, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return failed;
}

// Appends what there is to read; false at the end of the stream.
bool take(int descriptor, std::string& text) {
  std::array<char, 4096> buffer;
  const ssize_t got = read(descriptor, buffer.data(), buffer.size());
  if (got > 0) text.append(buffer.data(), static_cast<size_t>(got));
  return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

// What comes out of a child until it ends or its time is over.
class Listener {
 public:
  Listener(pid_t pid, const Pipe& out, const Pipe& err, Clock::time_point deadline)
      : pid_(pid),
        deadline_(deadline),
        streams_{{{out.reader(), POLLIN, 0}, {err.reader(), POLLIN, 0}}} {}

  /// Returns false when the time is over.
  bool listen(const std::function<std::chrono::milliseconds(const std::string&)>& line,
              Ended& ended) {
    std::string text;
    while (streams_[0].fd >= 0 || streams_[1].fd >= 0) {
      // Short waits: a grandchild may hold the pipes open after the child is gone.
      const int ready = poll(streams_.data(), streams_.size(), 50);
      if (ready <= 0 && dead_) break;
      has_ended();
      if (streams_[0].revents != 0 && !take(streams_[0].fd, text)) streams_[0].fd = -1;
      for (size_t end; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
        deadline_ = Clock::now() + line(text.substr(0, end));
        ended.errors.clear();  // what was said before belongs to an earlier library
      }
      if (streams_[1].revents != 0 && !take(streams_[1].fd, ended.errors)) streams_[1].fd = -1;
      if (ended.errors.size() > kKeptErrors)
        ended.errors.erase(0, ended.errors.size() - kKeptErrors);
      if (!dead_ && Clock::now() > deadline_) return false;
    }
    while (!has_ended()) {  // it closed its streams but lives
      if (Clock::now() > deadline_) return false;
      usleep(1000);
    }
    return true;
  }
  bool has_ended() { return dead_ = dead_ || waitpid(pid_, &status_, WNOHANG) == pid_; }
  /// Ends what is left of the child's group and returns how the child ended.
  int finish() {
    kill(-pid_, SIGKILL);
    if (!dead_) waitpid(pid_, &status_, 0);
    dead_ = true;
    return status_;
  }

 private:
  pid_t pid_;
  Clock::time_point deadline_;
  std::array<pollfd, 2> streams_;
  int status_ = 0;
  bool dead_ = false;
};

}  // namespace

Ended run_process(const std::vector<std::string>& command, std::chrono::milliseconds first,
                  const std::function<std::chrono::milliseconds(const std::string&)>& line) {
  Ended ended;
  Pipe out, err;
  pid_t pid = 0;
  if (const int failed = spawn(command, out, err, pid); failed != 0) {
    ended.started = false, ended.errors = std::strerror(failed);
    return ended;
  }
  out.close_end(1), err.close_end(1);
  Listener listener(pid, out, err, Clock::now() + first);
  ended.timed_out = !listener.listen(line, ended);
  const int status = listener.finish();
  if (WIFSIGNALED(status)) ended.signal = WTERMSIG(status);
  if (WIFEXITED(status)) ended.code = WEXITSTATUS(status);
  return ended;
}

}  // namespace hilum::plugins
