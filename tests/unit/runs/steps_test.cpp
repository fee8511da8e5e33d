// SPDX-License-Identifier: Apache-2.0
// steps.csv: what is written is read, whatever ended the process; what is no such file is refused.
#include "core/runs/steps/steps.hpp"

#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "core/runs/steps/review_steps.hpp"
#include "core/runs/steps/step_log.hpp"
#include "core/util/files.hpp"
#include "steps_fixture.hpp"

namespace hilum::runs {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Digests, AreXxh3) {
  EXPECT_EQ(util::Xxh3().hex(), "2d06800538d394c2");  // of nothing, as its authors publish it
  EXPECT_EQ(digest_of("abc"), "78af5f94892f3950");
  EXPECT_EQ(util::Xxh3().add("a").add("").add("bc").hex(), digest_of("abc"));
}

TEST(Steps, AreReadAsTheyWereWritten) {
  auto lines = epochs(2);
  lines[1].weights = "", lines[2].loss = 0.1 + 0.2;
  const auto steps = steps_of(lines);
  ASSERT_THAT(steps.lines, SizeIs(8));
  EXPECT_THAT(steps.changed, IsEmpty());
  EXPECT_EQ(text_of(steps.lines), text_of(lines));
  EXPECT_EQ(steps.lines[2].loss, 0.1 + 0.2);
  EXPECT_THAT(text_of(lines), HasSubstr(",0.30000000000000004,")) << "the shortest exact text";
  EXPECT_EQ(steps.where(2), "steps.csv:4");
}

TEST(Steps, ALineThatWasCutOffIsLeftOut) {
  const auto text = text_of(epochs(1));
  EXPECT_THAT(parse_steps("steps.csv", text + "1,2,1,5,00ab").lines, SizeIs(4));
  EXPECT_THAT(parse_steps("steps.csv", text.substr(0, text.size() - 1)).lines, SizeIs(3));
  EXPECT_THAT(parse_steps("steps.csv", "attempt,epo").lines, IsEmpty());
  EXPECT_THAT(parse_steps("steps.csv", "").lines, IsEmpty());
}

TEST(Steps, WhatIsNoLineIsNamedWithItsPlace) {
  const auto message = [](const std::string& text) {
    return message_of([&] { parse_steps("runs/a/steps.csv", text); }, Fault::work);
  };
  const std::string head = std::string(kStepsHeading) + "\n", d = "0123456789abcdef";
  const auto row = [&](const std::string& loss, const std::string& cases) {
    return head + "1,1,1,1," + cases + "," + d + "," + loss + ",," + d + "\n";
  };
  EXPECT_NO_THROW(parse_steps("steps.csv", row("0.5", d)));
  EXPECT_THAT(message("epoch,loss\n"),
              HasSubstr("runs/a/steps.csv:1: the heading is 'epoch,loss'"));
  EXPECT_THAT(message(head + "1,2,3\n"), HasSubstr("runs/a/steps.csv:2: 3 fields, a line has 9"));
  EXPECT_THAT(message(row("0.5x", d)), HasSubstr(":2: loss is '0.5x', which is no number"));
  EXPECT_THAT(message(row("nan", d)), HasSubstr(":2: loss is not a finite number"));
  EXPECT_THAT(message(row("1", "12AB")), HasSubstr(":2: cases is '12AB', allowed 16 hexadecimal"));
  EXPECT_THAT(message(row("1", "")), HasSubstr(":2: cases is ''"));
  const auto weighed = [&](const std::string& weights) {
    return head + "1,1,1,1," + d + "," + d + ",1," + weights + "," + d + "\n";
  };
  EXPECT_NO_THROW(parse_steps("steps.csv", weighed("3/30:" + d)));
  EXPECT_THAT(message(weighed("x:" + d)), HasSubstr(":2: weights is 'x:0123456789abcdef'"));
  EXPECT_THAT(message(head + "0,1,1,1,,,,,\n"), HasSubstr(":2: attempt is 0, allowed 1 or more"));
}

TEST(Steps, ALineThatWasChangedRemovedOrPutInDoesNotFit) {
  const auto text = text_of(epochs(2));
  EXPECT_THAT(parse_steps("s", text).changed, IsEmpty());
  auto changed = text;
  changed[changed.find("\n1,1,3,") + 12] ^= 1;  // a digit of its cases
  EXPECT_THAT(parse_steps("s", changed).changed, ElementsAre(2));
  auto removed = text;
  const auto begin = removed.find("\n1,1,3,");
  removed.erase(begin, removed.find('\n', begin + 1) - begin);
  EXPECT_THAT(parse_steps("s", removed).changed, ElementsAre(2));
  EXPECT_THAT(review_steps(parse_steps("steps.csv", changed), {}).problems,
              ElementsAre(HasSubstr("steps.csv:4: this line is not as it was written")));
}

TEST(StepLog, AnAttemptGoesOnBehindTheLastWholeLine) {
  const auto folder = std::filesystem::temp_directory_path() / "hilum_step_log";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const auto file = folder / "steps.csv";
  {
    StepLog log(file);
    EXPECT_EQ(util::read_file(file), std::string(kStepsHeading) + "\n");
    for (int64_t batch = 1; batch <= 3; ++batch) log.add(line(1, batch, 77));
    EXPECT_THAT(read_steps(file).lines, SizeIs(3)) << "each line is there at once";
    log.flush();
  }
  const auto whole = util::read_file(file);
  std::ofstream(file, std::ios::app) << "1,1,4,4,0123";  // killed here
  {
    StepLog log(file);
    EXPECT_EQ(util::read_file(file), whole) << "the rest of a line is cut away";
    log.add(line(1, 3)), log.add(line(1, 4));
  }
  const auto steps = read_steps(file);
  EXPECT_TRUE(util::read_file(file).starts_with(whole)) << "nothing that was whole is lost";
  ASSERT_THAT(steps.lines, SizeIs(5));
  EXPECT_THAT(steps.changed, IsEmpty());
  EXPECT_EQ(steps.lines[2].attempt, 1);
  EXPECT_EQ(steps.lines[3].attempt, 2);
  std::ofstream(file, std::ios::app) << "nonsense\n";
  EXPECT_THAT(message_of([&] { StepLog log(file); }, Fault::work),
              AllOf(HasSubstr(file.string()), HasSubstr("Move the file away")));
  std::filesystem::remove_all(folder);
}

TEST(StepLog, WhatCannotBeWrittenIsSaid) {
  EXPECT_THAT(message_of([] { StepLog log("/nowhere/steps.csv"); }, Fault::work),
              HasSubstr("/nowhere/steps.csv: cannot be written: No such file"));
}

// A limit on the size of files stands for a full disk: the line that meets it is cut off.
TEST(StepLog, ADiskThatIsFullLeavesTheLinesBefore) {
  const auto file = std::filesystem::temp_directory_path() / "hilum_full_steps.csv";
  std::filesystem::remove(file);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_IGN);
  const auto message = message_of(
      [&] {
        StepLog log(file);
        for (int64_t batch = 1; batch <= 5; ++batch) {
          const rlimit tight{std::filesystem::file_size(file) + 20, before.rlim_max};
          if (batch == 4) setrlimit(RLIMIT_FSIZE, &tight);
          log.add(line(1, batch));
        }
      },
      Fault::work);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_THAT(message, AllOf(HasSubstr(file.string() + ": cannot be written: File too large"),
                             HasSubstr("The steps recorded before are untouched.")));
  EXPECT_THAT(read_steps(file).lines, SizeIs(3));
  StepLog(file).add(line(1, 4));
  EXPECT_THAT(read_steps(file).lines, SizeIs(4));
  EXPECT_THAT(read_steps(file).changed, IsEmpty());
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace hilum::runs
