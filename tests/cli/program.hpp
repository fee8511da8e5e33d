// SPDX-License-Identifier: Apache-2.0
// The real program as a second process, as a person or a script starts it.
#pragma once
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace hilum::testing {
namespace fs = std::filesystem;
using Strings = std::vector<std::string>;
using Seconds = std::chrono::duration<double>;
using Clock = std::chrono::steady_clock;

inline std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
inline void write(const fs::path& file, const std::string& text) {
  if (file.has_parent_path()) fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}
inline Strings lines_of(const std::string& text) {
  Strings lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}
inline Strings operator+(Strings a, const Strings& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Where and how a program is started.
struct Launch {
  Strings env = {};  // "NAME=value", beside the test's own
  fs::path cwd = {};
  rlim_t largest_file = RLIM_INFINITY;  // bytes; a write beyond it fails as on a full disk
};

struct Outcome {
  int code = 0;  // -9: killed by signal 9
  std::string out, err;
  double seconds = 0, cpu = 0;  // cpu: what a limit on time tests, however busy the machine is
  std::string all() const { return out + err; }
};

/// A program that runs in the background; killed with the object.
class Process {
 public:
  Process(const Strings& words, const Launch& launch, fs::path scratch)
      : scratch_(std::move(scratch)), start_(Clock::now()) {
    fs::create_directories(scratch_);
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ == 0) become(words, launch);
  }
  Process(Process&& other) noexcept
      : scratch_(other.scratch_), pid_(std::exchange(other.pid_, -1)), start_(other.start_) {}
  ~Process() {
    if (pid_ > 0 && !ended()) kill(SIGKILL), (void)wait();
  }
  Process& operator=(Process&&) = delete;

  pid_t pid() const { return pid_; }
  void kill(int signal) const {
    if (pid_ > 0 && !ended_) ::kill(pid_, signal);  // -1 would be every process there is
  }
  std::string out() const { return text_of(scratch_ / "out"); }
  bool ended() {
    if (ended_ || wait4(pid_, &status_, WNOHANG, &usage_) != pid_) return ended_;
    end_ = Clock::now();
    return ended_ = true;
  }
  /// Until it ends; past the limit it is killed, and the code says so (-9).
  Outcome wait(double limit = 120) {
    while (!ended()) {
      if (Seconds(Clock::now() - start_).count() > limit) kill(SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    pid_ = -1;
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return {WIFEXITED(status_) ? WEXITSTATUS(status_) : -WTERMSIG(status_),
            text_of(scratch_ / "out"), text_of(scratch_ / "err"), Seconds(end_ - start_).count(),
            seconds(usage_.ru_utime) + seconds(usage_.ru_stime)};
  }

 private:
  [[noreturn]] void become(const Strings& words, const Launch& launch) const {
    const auto redirect = [&](const char* name, int stream) {
      const int file = open((scratch_ / name).c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
      dup2(file, stream);
    };
    redirect("out", 1), redirect("err", 2);
    dup2(open("/dev/null", O_RDONLY), 0);
    if (!launch.cwd.empty() && chdir(launch.cwd.c_str()) != 0) _exit(126);
    if (launch.largest_file != RLIM_INFINITY) {
      const rlimit limit{launch.largest_file, launch.largest_file};
      setrlimit(RLIMIT_FSIZE, &limit);
      std::signal(SIGXFSZ, SIG_IGN);  // inherited: the write fails instead
    }
    for (const auto& setting : launch.env)
      setenv(setting.substr(0, setting.find('=')).c_str(),
             setting.substr(setting.find('=') + 1).c_str(), 1);
    std::vector<char*> argv;
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(127);
  }

  fs::path scratch_;
  pid_t pid_ = -1;
  int status_ = 0;
  rusage usage_ = {};
  bool ended_ = false;
  Clock::time_point start_, end_;
};

/// A folder that goes with the object, with a run store and a plugin cache of its own.
class Bench {
 public:
  Bench() {
    std::string name = (fs::temp_directory_path() / "hilum_cli_XXXXXX").string();
    root = mkdtemp(name.data());
  }
  ~Bench() { fs::remove_all(root); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  Process start(const Strings& words, Launch launch = {}) const {
    if (launch.cwd.empty()) launch.cwd = root;
    launch.env = Strings{"HILUM_RUNS=" + runs().string(),
                         "HILUM_PLUGIN_PATH=", "HILUM_CACHE=" + (root / "cache").string()} +
                 launch.env;
    return Process(Strings{HILUM_PROGRAM} + words, launch,
                   root / "streams" / std::to_string(++started_));
  }
  Outcome hilum(const Strings& words, const Launch& launch = {}) const {
    return start(words, launch).wait();
  }
  /// What it prints as JSON; fails the test where it does not end well.
  nlohmann::json json(const Strings& words, const Launch& launch = {}) const {
    const auto outcome = hilum(words + Strings{"--json"}, launch);
    EXPECT_EQ(outcome.code, 0) << words.front() << "\n" << outcome.all();
    auto parsed = nlohmann::json::parse(outcome.out, nullptr, false);
    EXPECT_FALSE(parsed.is_discarded()) << outcome.out;
    return parsed;
  }
  std::string sql(const std::string& query) const {
    const auto outcome = hilum({"runs", "sql", query, "--csv"});
    EXPECT_EQ(outcome.code, 0) << outcome.all();
    return outcome.out;
  }
  fs::path runs() const { return root / "runs"; }
  fs::path root;

 private:
  mutable int started_ = 0;
};

class Program : public ::testing::Test, protected Bench {};

/// The quickstart, and overrides that make it take half a second.
inline const std::string kQuickstart = HILUM_SOURCE_DIR "/experiments/quickstart.toml";
inline const Strings kTiny = {"data.roi=[32,32]",         "backbone.seg.width=4",
                              "backbone.seg.depth=2",     "head.mask.on=seg.S3",
                              "train.epochs=2",           "+data.phantom.count=12",
                              "+data.phantom.patients=6", "+data.phantom.size=[8,32,32]",
                              "+train.threads=1"};

/// Overrides that make the quickstart learn something in two seconds, tested on eight patients.
inline const Strings kLearns = {"data.roi=[32,32]",
                                "backbone.seg.width=8",
                                "backbone.seg.depth=2",
                                "head.mask.on=seg.S3",
                                "train.epochs=8",
                                "+data.phantom.count=40",
                                "+data.phantom.patients=40",
                                "+data.phantom.size=[8,32,32]",
                                "+train.threads=1"};

}  // namespace hilum::testing
