// SPDX-License-Identifier: Apache-2.0
// An experiment of two seconds, what it leaves when nothing happens to it, and how to compare.
#pragma once
#include <functional>
#include <map>

#include "tests/cli/program.hpp"

namespace hilum::testing {

// A validation and a test that take as long as an epoch's training; augmentation and loader threads
// as usual.
inline const Strings kStudy = {"data.roi=[48,48]",
                               "backbone.seg.width=8",
                               "backbone.seg.depth=3",
                               "head.mask.on=seg.S5",
                               "train.epochs=5",
                               "train.batch=8",
                               "data.val=0.4",
                               "+data.phantom.count=30",
                               "+data.phantom.patients=15",
                               "+data.augment.rotate90=true",
                               "+data.augment.scale=0.1",
                               "+data.phantom.size=[16,48,48]",
                               "+data.workers=2",
                               "+train.threads=1",
                               "+train.log_every=3"};

/// What a run leaves behind, without its times.
struct Traces {
  std::string best, last, metrics, cases, masks, status;
};

class Study : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    bench = new Bench;
    const auto run = bench->hilum(Strings{"run", kQuickstart} + kStudy);
    ASSERT_EQ(run.code, 0) << run.all();
    undisturbed = traces(newest());
    log_lines = lines_of(text_of(bench->runs() / newest() / "log.txt")).size();
    ASSERT_GT(log_lines, 15U);
    ASSERT_EQ(undisturbed.status, "status\ndone\n");
    ASSERT_GT(lines_of(undisturbed.metrics).size(), 300U);
    ASSERT_GT(lines_of(undisturbed.cases).size(), 100U);
    ASSERT_GT(undisturbed.masks.size(), 1000U);
  }
  static void TearDownTestSuite() { delete bench; }

  static Process start(const Strings& overrides = {}) {
    return bench->start(Strings{"run", kQuickstart} + kStudy + overrides);
  }
  static Outcome resume(const Launch& launch = {}) {
    return bench->hilum({"resume", "@last"}, launch);
  }
  static std::string newest() { return bench->json({"runs", "list"}).at(0).at("id"); }
  static std::string status() { return bench->json({"runs", "list"}).at(0).at("status"); }
  static std::string exported(const std::string& run, const std::string& checkpoint) {
    const auto file = bench->root / (run + ".safetensors");
    const auto done =
        bench->hilum({"weights", "export", run, "-o", file.string(), "--checkpoint", checkpoint});
    EXPECT_EQ(done.code, 0) << done.all();
    return text_of(file);
  }
  static Traces traces(const std::string& run) {
    const std::string of = " where run = '" + run + "' ";
    return {exported(run, "best"),
            exported(run, "last"),
            bench->sql("select split, name, step, epoch, value from metric" + of +
                       "and name not in ('samples_per_s', 'data_wait') order by 1, 2, 3"),
            bench->sql("select split, patient, nodule, slice, name, value from case_metric" + of +
                       "order by 1, 2, 3, 4, 5"),
            masks(bench->runs() / run / "predictions"),
            bench->sql("select status from run where id = '" + run + "'")};
  }
  // Names and bytes of all predicted masks.
  static std::string masks(const fs::path& folder) {
    std::map<std::string, std::string> files;
    if (fs::exists(folder))
      for (const auto& entry : fs::recursive_directory_iterator(folder))
        files[entry.path().lexically_relative(folder).string()] =
            entry.is_regular_file() ? text_of(entry.path()) : "";
    std::string all;
    for (const auto& [name, bytes] : files) all += name + "\n" + bytes;
    return all;
  }
  static void expect_same(const Traces& found, const Traces& expected) {
    EXPECT_TRUE(found.best == expected.best) << "best.pt has other bytes";
    EXPECT_TRUE(found.last == expected.last) << "last.pt has other bytes";
    EXPECT_EQ(found.metrics, expected.metrics);
    EXPECT_TRUE(found.cases == expected.cases) << "case_metric differs";
    EXPECT_TRUE(found.masks == expected.masks) << "predictions differ";
    EXPECT_EQ(found.status, expected.status);
  }
  static void expect_undisturbed(const std::string& run) { expect_same(traces(run), undisturbed); }

  inline static Bench* bench = nullptr;
  inline static Traces undisturbed;
  inline static size_t log_lines = 0;  // of the undisturbed run
};

/// Waits, with hardly a pause, until something is so; false if the program ended first.
inline bool wait_until(Process& process, const std::function<bool()>& so) {
  while (!so()) {
    if (process.ended()) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

/// The folder of the run, once it says which.
inline fs::path folder_of(Process& process) {
  std::string folder;
  wait_until(process, [&] {
    const auto out = process.out();
    const auto begin = out.find(" in /"), end = out.find('\n');
    if (begin != std::string::npos && end != std::string::npos)
      folder = out.substr(begin + 4, end - begin - 4);
    return !folder.empty();
  });
  return folder;
}

}  // namespace hilum::testing
