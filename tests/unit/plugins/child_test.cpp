// SPDX-License-Identifier: Apache-2.0
// The reading end of the child process, against engines that are shell scripts.
#include "core/plugins/child.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace hilum::plugins {
namespace {
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;

class Child : public testing::Test {
 protected:
  Child() {
    std::string name = (fs::temp_directory_path() / "hilum_child_XXXXXX").string();
    root = mkdtemp(name.data());
  }
  ~Child() override { fs::remove_all(root); }

  // `each` runs for each library in $p, after its "loads" line.
  fs::path engine(const std::string& each, const std::string& first = "echo '{\"ready\": true}'") {
    const fs::path file = root / "engine";
    std::ofstream(file) << "#!/bin/sh\nshift\necho start \"$@\" >> " << (root / "log").string()
                        << "\n"
                        << first
                        << "\nn=0\nfor p in \"$@\"; do\n n=$((n+1))\n say() { echo "
                           "\"{\\\"library\\\": \\\"$p\\\", $1}\"; }\n"
                        << " say '\"step\": \"loads\"'\n"
                        << each << "\n say '\"plugins\": []'\ndone\n";
    chmod(file.c_str(), 0755);
    return file;
  }
  std::string log() {
    std::ifstream in(root / "log");
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static std::string cause(const Report& report) {
    return report.failure ? report.failure->cause : "good";
  }
  fs::path root;
};

TEST_F(Child, DescribesAllInOneProcess) {
  const auto reports = examine({"/a", "/b", "/c"}, engine(""), 5s);
  EXPECT_EQ(reports.size(), 3u);
  for (const auto& [path, report] : reports) EXPECT_EQ(cause(report), "good") << path;
  EXPECT_EQ(log(), "start /a /b /c\n");
}

TEST_F(Child, ACrashIsPutToTheLibraryAndTheRestGoesOn) {
  const auto reports =
      examine({"/a", "/b", "/c"}, engine("[ $p = /b ] && { echo ouch >&2; kill -SEGV $$; }"), 5s);
  EXPECT_EQ(cause(reports.at("/a")), "good");
  EXPECT_EQ(cause(reports.at("/b")),
            "crashed with signal 11 (SIGSEGV) while being loaded. Its last words: ouch");
  EXPECT_EQ(cause(reports.at("/c")), "good");
  EXPECT_EQ(log(), "start /a /b /c\nstart /b /c\nstart /c\n") << "the suspect is tried alone";
}

// Whoever comes second crashes: a library that is only a victim of an earlier one is cleared.
TEST_F(Child, AVictimOfAnEarlierLibraryIsCleared) {
  const auto reports = examine({"/a", "/b"}, engine("[ $n = 2 ] && kill -SEGV $$"), 5s);
  EXPECT_EQ(cause(reports.at("/b")), "good");
}

TEST_F(Child, AHangEndsAfterThePatienceWithAllItStarted) {
  const auto start = std::chrono::steady_clock::now();
  const auto reports = examine({"/a", "/b"}, engine("[ $p = /a ] && { sleep 60 & wait; }"), 300ms);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
  EXPECT_EQ(cause(reports.at("/a")), "hangs: no end after 0.3 s while being loaded");
  EXPECT_EQ(cause(reports.at("/b")), "good");
}

TEST_F(Child, EndsOfOtherKindsHaveTheirOwnWords) {
  EXPECT_THAT(cause(examine({"/a"}, engine("exit 7"), 5s).at("/a")),
              HasSubstr("ended the process with exit code 7 while being loaded"));
  EXPECT_THAT(
      cause(
          examine({"/a"}, engine("say '\"step\": \"registers\"'; echo '{\"exit\": 5}'; exit 0"), 5s)
              .at("/a")),
      HasSubstr("called exit(5) while registering"));
  const auto killed = examine({"/a"}, engine("kill -KILL $$"), 5s).at("/a");
  EXPECT_THAT(cause(killed), HasSubstr("signal 9 (SIGKILL)"));
  EXPECT_FALSE(killed.lasting) << "it may have been for want of memory";
}

TEST_F(Child, AnEngineThatCannotStartIsNoFindingAgainstALibrary) {
  for (const auto& program :
       {engine("", "echo libtorch_cpu.so is not there >&2; exit 127"), root / "none"}) {
    const auto report = examine({"/a"}, program, 5s).at("/a");
    ASSERT_TRUE(report.failure);
    EXPECT_FALSE(report.failure->looked);
    EXPECT_FALSE(report.lasting);
    EXPECT_THAT(report.failure->cause, HasSubstr("could not be looked at: " + program.string()));
  }
}

}  // namespace
}  // namespace hilum::plugins
