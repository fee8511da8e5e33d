// SPDX-License-Identifier: Apache-2.0
// A disk that fills up: the run stops and says why, the store stays whole, and with space again it
// goes on as if nothing had been. The disk is a small one in memory, seen by this program alone.
#include <sched.h>
#include <SQLiteCpp/SQLiteCpp.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>

#include "tests/faults/study.hpp"

namespace hilum::testing {
namespace {
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uintmax_t kDisk = 8 << 20;

// Mounts as root, else in a user namespace where this user is; "" or what does not work.
std::string mount_disk(const fs::path& folder) {
  const auto failed = [](const char* what) { return std::string(what) + ": " + strerror(errno); };
  const auto user = std::to_string(getuid()), group = std::to_string(getgid());
  if (unshare(CLONE_NEWNS) != 0) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return failed("unshare");
    write("/proc/self/setgroups", "deny");
    write("/proc/self/uid_map", "0 " + user + " 1");
    write("/proc/self/gid_map", "0 " + group + " 1");
  }
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return failed("mount /");
  fs::create_directories(folder);
  const auto size = "size=" + std::to_string(kDisk);
  if (mount("none", folder.c_str(), "tmpfs", 0, size.c_str()) != 0) return failed("mount tmpfs");
  return "";
}

class Disk : public Study {
 protected:
  static void SetUpTestSuite() {
    Study::SetUpTestSuite();
    if (HasFatalFailure()) return;
    missing = mount_disk(bench->runs());  // over the store of the undisturbed run
  }
  static void TearDownTestSuite() {
    if (missing.empty()) umount2(bench->runs().c_str(), MNT_DETACH);
    Study::TearDownTestSuite();
  }
  void SetUp() override {
    if (!missing.empty()) GTEST_SKIP() << "no small disk can be made here: " << missing;
  }
  static fs::path ballast() { return bench->runs() / "ballast"; }
  static uintmax_t left() { return fs::space(bench->runs()).available; }
  // Whatever else is written meanwhile, at last so many bytes are left.
  static void fill(uintmax_t leave) {
    std::ofstream out(ballast(), std::ios::binary | std::ios::app);
    const std::string page(4096, 'x');
    while (out && left() > leave) out << page << std::flush;
  }
  static void wait_for(Process& process, const std::string& line) {
    const auto log = folder_of(process) / "log.txt";
    ASSERT_TRUE(wait_until(process, [&] { return text_of(log).find(line) != std::string::npos; }))
        << process.out();
  }
  // A run whose disk was filled at a line of its log. One that was over before the disk was full,
  // on a busy machine, shows nothing: again.
  static Outcome filled(const std::string& line, uintmax_t leave) {
    for (int attempt = 0; attempt < 4; ++attempt) {
      auto process = start();
      wait_for(process, line);
      fill(leave);
      const auto outcome = process.wait();
      if (outcome.code != 0) return outcome;
      fs::remove(ballast());
    }
    ADD_FAILURE() << "each of four runs was over";
    return {};
  }
  static void expect_no_litter() {
    for (const auto& entry : fs::recursive_directory_iterator(bench->runs()))
      EXPECT_THAT(entry.path().string(), Not(HasSubstr(".part")));
  }
  // Which file, that the disk is full, and what to do.
  static void expect_told(const Outcome& outcome, const std::string& run) {
    EXPECT_EQ(outcome.code, 1) << outcome.all();
    EXPECT_THAT(outcome.err, HasSubstr(bench->runs().string()));
    EXPECT_THAT(outcome.err, AnyOf(HasSubstr("No space left on device"), HasSubstr("is full")));
    EXPECT_THAT(outcome.err, HasSubstr("Free some space"));
    EXPECT_THAT(outcome.err, HasSubstr("hilum resume " + run));
    EXPECT_EQ(lines_of(outcome.err).size(), 1U) << outcome.err;
  }
  static void change_store(const std::string& sql) {
    SQLite::Database(bench->runs() / "hilum.db", SQLite::OPEN_READWRITE).exec(sql);
  }
  // No mask that was cut short either, for one is read as if it were whole.
  static void expect_whole() {
    for (const auto& entry : fs::recursive_directory_iterator(bench->runs()))
      if (entry.path().extension() == ".gz") EXPECT_GT(entry.file_size(), 100U) << entry.path();
    EXPECT_EQ(bench->sql("pragma integrity_check"), "integrity_check\nok\n");
    EXPECT_THAT(status(), AnyOf("failed", "crashed"));
  }

  inline static std::string missing;
};

// The store, a checkpoint, the masks of the test.
TEST_F(Disk, ThatFillsUpStopsTheRunWhichGoesOnOnceThereIsSpace) {
  for (const auto& [line, leave] : {std::pair("epoch 2/5  loss ", uintmax_t{0}),
                                    {"epoch 2/5  loss ", 256 << 10},
                                    {"epoch 5/5  loss ", 0}}) {
    SCOPED_TRACE(line + std::to_string(leave));
    const auto full = filled(line, leave);
    const auto run = newest();  // which reads on a full disk
    expect_told(full, run);
    expect_no_litter();
    expect_whole();
    fill(0);
    const auto still_full = resume();
    EXPECT_EQ(still_full.code, 1) << still_full.all();
    EXPECT_THAT(still_full.err, HasSubstr("Free some space"));
    expect_no_litter();
    fs::remove(ballast());
    expect_whole();
    const auto resumed = resume();
    EXPECT_EQ(resumed.code, 0) << resumed.all();
    EXPECT_EQ(newest(), run);
    expect_undisturbed(run);
  }
}

TEST_F(Disk, ThatIsFullFromTheStartLeavesNoRun) {
  const auto before = bench->json({"runs", "list"}).size();
  fill(0);
  const auto full = start().wait();
  fs::remove(ballast());
  EXPECT_EQ(full.code, 1) << full.all();
  EXPECT_THAT(full.err, HasSubstr("Free some space"));
  EXPECT_EQ(bench->json({"runs", "list"}).size(), before);
  const auto again = bench->hilum(Strings{"run", kQuickstart} + kTiny);
  EXPECT_EQ(again.code, 0) << again.all();
  EXPECT_EQ(bench->json({"runs", "list"}).size(), before + 1);
  EXPECT_EQ(bench->sql("pragma integrity_check"), "integrity_check\nok\n");
}

// Neither a checkpoint nor that it failed: what reaches the person is the first.
TEST_F(Disk, WhereNotEvenTheFailureCanBeRecordedIsToldAllTheSame) {
  auto process = start();
  wait_for(process, "epoch 3/5  step ");
  process.kill(SIGINT);
  EXPECT_EQ(process.wait().code, 130);
  change_store(
      "CREATE TRIGGER full BEFORE UPDATE ON run WHEN new.status = 'failed' BEGIN "
      "SELECT raise(ABORT, 'database or disk is full'); END");
  const auto checkpoint = fs::file_size(bench->runs() / newest() / "last.pt");
  const auto stuck = resume({.largest_file = checkpoint - 4096});  // the store needs less
  EXPECT_EQ(stuck.code, 1) << stuck.all();
  EXPECT_THAT(stuck.err, HasSubstr("best.pt: cannot be written: File too large"));
  EXPECT_THAT(stuck.out, HasSubstr("warning: the failure could not be recorded"));
  EXPECT_EQ(status(), "crashed");
  change_store("DROP TRIGGER full");
  EXPECT_EQ(resume().code, 0);
  expect_undisturbed(newest());
}

}  // namespace
}  // namespace hilum::testing
