// SPDX-License-Identifier: Apache-2.0
// `hilum runs verify`: what was resumed or repeated exactly is proved so, and what was not is
// found.
#include <SQLiteCpp/SQLiteCpp.h>

#include <cstring>

#include "tests/faults/study.hpp"

namespace hilum::testing {
namespace {
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

class Verify : public Study {
 protected:
  static void SetUpTestSuite() {
    Study::SetUpTestSuite();
    run = newest();
  }
  static Outcome verify(const Strings& words) {
    return bench->hilum(Strings{"runs", "verify"} + words);
  }
  static json report(const Strings& words, int code) {
    const auto outcome = verify(words + Strings{"--json"});
    EXPECT_EQ(outcome.code, code) << outcome.all();
    return json::parse(outcome.out);
  }
  // The report on a run of the study with other options, against the undisturbed one.
  static json against(const Strings& overrides, int code) {
    EXPECT_EQ(start(overrides).wait().code, 0);
    return report({run, newest()}, code);
  }
  static fs::path steps() { return bench->runs() / run / "steps.csv"; }
  // A failure that names `what`; the file is as before afterwards.
  static void expect_found(const fs::path& file, const std::string& changed,
                           const std::string& what) {
    const auto before = text_of(file);
    ASSERT_NE(changed, before);
    write(file, changed);
    const auto outcome = verify({run});
    write(file, before);
    EXPECT_EQ(outcome.code, 1) << outcome.all();
    EXPECT_THAT(outcome.all(), HasSubstr(what));
    EXPECT_EQ(verify({run}).code, 0);
  }

  inline static std::string run;  // the undisturbed one
};

TEST_F(Verify, StepsAfterAKillAreMadeAgainEqual) {
  auto process = start();
  const auto folder = folder_of(process);
  // In the middle of an epoch, with a checkpoint before it.
  ASSERT_TRUE(wait_until(process, [&] {
    return text_of(folder / "steps.csv").find("\n1,3,3,") != std::string::npos;
  })) << process.out();
  process.kill(SIGKILL);
  (void)process.wait();
  const auto killed = newest();
  EXPECT_EQ(report({killed}, 0).at("again"), 0) << "all that it left holds";
  const auto before = text_of(folder / "steps.csv");
  const auto whole = before.substr(0, before.rfind('\n') + 1);
  write(folder / "steps.csv", whole + "1,3,4,");  // as a kill within a write would leave it
  EXPECT_EQ(resume().code, 0);
  EXPECT_TRUE(text_of(folder / "steps.csv").starts_with(whole)) << "a line was lost";
  const auto found = report({killed}, 0);
  EXPECT_EQ(found.at("attempts"), 2);
  EXPECT_GE(found.at("again"), 1);
  EXPECT_EQ(found.at("again_equal"), true);
  EXPECT_EQ(found.at("figures"), "as left");
  EXPECT_EQ(found.at("weights").at("last.pt"), "as recorded");
  EXPECT_EQ(found.at("weights").at("best.pt"), "as recorded");
  EXPECT_THAT(verify({killed}).out,
              AllOf(HasSubstr(" made twice (resumed after step "), HasSubstr(": all equal."),
                    HasSubstr("Everything holds")));
  const auto same = verify({run, killed});
  EXPECT_EQ(same.code, 0) << same.all();
  EXPECT_THAT(same.out, AllOf(HasSubstr("Their options are the same."),
                              HasSubstr("The runs are the same in all "),
                              HasSubstr("the same cases, images, losses and weights, bit for bit"),
                              HasSubstr("figures of cases are equal, bit for bit.")));
}

TEST_F(Verify, AnotherSeedDiffersInTheCasesOfTheFirstStep) {
  const auto found = against({"experiment.seed=8"}, 1);
  EXPECT_EQ(found.at("equal"), false);
  EXPECT_EQ(found.at("difference").at("what"), "cases");
  EXPECT_EQ(found.at("difference").at("step"), 1);
  EXPECT_EQ(found.at("figures_equal"), false);
  EXPECT_EQ(found.at("options").at(0).at("key"), "experiment.seed");
}

TEST_F(Verify, AnotherLearningRateDiffersInTheWeightsAfterTheFirstStep) {
  const auto found = against({"train.lr=0.0021"}, 1);
  EXPECT_EQ(found.at("difference").at("what"), "weights");
  EXPECT_EQ(found.at("difference").at("step"), 1);
  EXPECT_THAT(verify({run, newest()}).out, HasSubstr("cases, images and loss are the same."));
}

TEST_F(Verify, ALineOfTheRecordThatWasChangedIsFound) {
  const auto text = text_of(steps());
  auto lines = lines_of(text);
  ASSERT_GT(lines.size(), 6U);
  const auto begin = text.find(lines[4]);
  auto digit = text;
  char& last = digit[text.find(',', begin + 10) - 1];  // of its cases
  last = last == '0' ? '1' : '0';
  expect_found(steps(), digit, "steps.csv:5: this line is not as it was written");
  auto gone = text;
  gone.erase(begin, lines[4].size() + 1);
  expect_found(steps(), gone, "steps.csv:5: epoch 1, batch 5 does not follow epoch 1, batch 3");
  expect_found(steps(), text.substr(0, text.rfind('\n', text.size() - 2) + 1),
               "The store has the end of epoch 5 at step ");
  expect_found(steps(), text + "1,5,x\n",
               "steps.csv:" + std::to_string(lines.size() + 1) + ": 3 fields");
}

// The bytes of some vector of the run's last weights, which lie in a checkpoint as they are here.
std::string a_vector(const std::string& safetensors) {
  uint64_t size = 0;
  std::memcpy(&size, safetensors.data(), sizeof size);
  const auto heading = json::parse(safetensors.substr(8, size));
  for (const auto& [name, tensor] : heading.items()) {
    if (!tensor.contains("shape") || tensor.at("shape").size() != 1) continue;
    const auto begin = tensor.at("data_offsets").at(0).get<size_t>();
    const auto end = tensor.at("data_offsets").at(1).get<size_t>();
    if (end - begin >= 32) return safetensors.substr(8 + size + begin, end - begin);
  }
  return "";
}

TEST_F(Verify, AByteOfTheWeightsThatWasChangedIsFound) {
  const auto some = a_vector(exported(run, "last"));
  const auto file = bench->runs() / run / "last.pt";
  auto bytes = text_of(file);
  const auto place = bytes.find(some);
  ASSERT_FALSE(some.empty());
  ASSERT_NE(place, std::string::npos);
  bytes[place + 4] = static_cast<char>(bytes[place + 4] ^ 1);
  expect_found(file, bytes, "last.pt does NOT hold the weights that training left after step ");
}

TEST_F(Verify, AFigureOfTheStoreThatWasChangedIsFound) {
  const auto times = [](const std::string& factor) {
    SQLite::Database(bench->runs() / "hilum.db", SQLite::OPEN_READWRITE, 5000)
        .exec("update metric set value = value * " + factor + " where run = '" + run +
              "' and split = 'train' and name = 'loss' and epoch = 2");
  };
  times("2.0");
  const auto outcome = verify({run});
  times("0.5");  // exact
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("The figures in the store were CHANGED"),
                                 HasSubstr("The losses of epoch 2 have the mean ")));
  EXPECT_EQ(verify({run}).code, 0);
}

TEST_F(Verify, WhatCannotBeVerifiedSaysWhy) {
  const auto text = text_of(steps());
  fs::remove(steps());
  const auto none = verify({run});
  write(steps(), text);
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, AllOf(HasSubstr("steps.csv is gone"), HasSubstr("hilum runs rerun ")));
  const auto itself = verify({run, run.substr(0, 20)});
  EXPECT_EQ(itself.code, 2);
  EXPECT_THAT(itself.err, HasSubstr("are one run"));
  EXPECT_EQ(verify({"nobody"}).code, 2);
  EXPECT_EQ(verify({}).code, 2);
}

}  // namespace
}  // namespace hilum::testing
