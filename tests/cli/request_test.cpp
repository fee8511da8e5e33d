// SPDX-License-Identifier: Apache-2.0
// Wrong requests: mistyped keys, wrong values, parts that are not there. All are said before any
// data is read, in well under a second, and leave no trace in the store.
#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;
using ::testing::Not;

class Request : public Program {
 protected:
  Outcome run(const Strings& overrides, const Launch& launch = {}) {
    return hilum(Strings{"run", kQuickstart} + overrides, launch);
  }
  void refused(const Strings& overrides, int code, const Strings& parts) {
    const auto outcome = run(overrides);
    EXPECT_EQ(outcome.code, code) << outcome.all();
    for (const auto& part : parts) EXPECT_THAT(outcome.err, HasSubstr(part));
    EXPECT_THAT(outcome.err, Not(HasSubstr("frame #")));
    EXPECT_EQ(recorded(), 0) << outcome.all();
  }
  int64_t recorded() { return static_cast<int64_t>(json({"runs", "list"}).size()); }
};

// One letter of a key or table name, by turns left out, doubled, swapped with the next, replaced.
std::string mistyped(const std::string& word, size_t turn) {
  const size_t i = (word.size() * 2 / 3 + turn) % word.size();
  std::string wrong = word;
  if (turn % 4 == 0 && word.size() > 2) return wrong.erase(i, 1);
  if (turn % 4 == 2 && i + 1 < word.size() && word[i] != word[i + 1])
    return std::swap(wrong[i], wrong[i + 1]), wrong;
  if (turn % 4 == 3) return wrong[i] = word[i] == 'x' ? 'y' : 'x', wrong;
  return wrong.insert(i, 1, word[i]);
}

struct Mutation {
  std::string text, key;  // the file, and the word that was meant
  size_t line;
};

// Every key and every table name of a file but the names that a researcher chooses (seg, mask).
std::vector<Mutation> mutations(const std::string& text) {
  const auto lines = lines_of(text);
  std::vector<Mutation> all;
  size_t offset = 0;
  for (size_t i = 0; i < lines.size(); offset += lines[i].size() + 1, ++i) {
    const auto& line = lines[i];
    if (line.empty() || line[0] == '#') continue;
    const bool table = line[0] == '[';
    const size_t begin = table ? (line == "[data.augment]" ? 6 : 1) : 0;
    const size_t end = line.find_first_of(table ? ".]" : " =", begin);
    const auto word = line.substr(begin, end - begin);
    auto changed = text;
    changed.replace(offset + begin, word.size(), mistyped(word, all.size()));
    all.push_back({changed, word, i + 1});
  }
  return all;
}

TEST_F(Request, EachKeyOfTheQuickstartMistypedIsFoundWithLineAndSuggestion) {
  const auto all = mutations(text_of(kQuickstart));
  ASSERT_GE(all.size(), 20U);
  size_t right = 0;
  for (const auto& m : all) {
    write(root / "x.toml", m.text);
    const auto outcome = hilum({"run", "x.toml"});
    EXPECT_EQ(outcome.code, 2) << m.key << ": " << outcome.all();
    EXPECT_LT(outcome.cpu, 1.0) << m.key;
    EXPECT_THAT(outcome.err, HasSubstr("x.toml:" + std::to_string(m.line) + ":")) << m.key;
    const auto meant = outcome.err.find("Did you mean '");
    const auto name = meant == std::string::npos ? "" : outcome.err.substr(meant + 14);
    const auto suggested = name.substr(0, name.find('\''));
    if (suggested == m.key || suggested.ends_with("." + m.key))
      ++right;
    else
      ADD_FAILURE() << m.key << ": " << outcome.err;
  }
  EXPECT_GE(static_cast<double>(right), 0.95 * static_cast<double>(all.size()));
  EXPECT_FALSE(fs::exists(runs() / "hilum.db")) << "nothing is recorded";
}

TEST_F(Request, AValueOfEachWrongKindIsNamedWithWhatIsAllowed) {
  refused({"train.epochs=many"}, 2, {"'epochs' is 'many', expected integer", "[1, 1000000]"});
  refused({"train.epochs=1.5"}, 2, {"'epochs' is 1.5", "integer"});
  refused({"train.lr=-1"}, 2, {"'lr' is -1, allowed [0, 100]"});
  refused({"backbone.seg.width=0"}, 2, {"backbone 'unet': option 'width' is 0, allowed [1, 1024]"});
  refused({"train.optimizer=adm"}, 2, {"one of 'adam', 'adamw', 'sgd'", "Did you mean 'adam'?"});
  refused({"backbone.seg.up=transpose"}, 2, {"Did you mean 'transposed'?"});
  refused({"data.roi=[64]"}, 2, {"'roi' must have as many sizes as 'dims'"});
  refused({"data.val=0"}, 2, {"Fold 0 is tested"});
  refused({"train.lrr=1"}, 2, {"unknown key 'train.lrr'. Did you mean 'train.lr'?"});
  refused({"+train.device=cpu", "+train.precision=float32", "+train.channels_last=on"}, 2,
          {"train.channels_last: value 'on' with float32 on a CPU", "auto or off"});
  refused({"~train.lrr"}, 2, {"there is no 'train.lrr' to delete"});
  refused({"train.lr"}, 2, {"this is not an override"});
}

TEST_F(Request, AllThatIsWrongIsSaidAtOnceUnknownKeysFirst) {
  auto text = text_of(kQuickstart);
  for (const auto& [right, wrong] : std::vector<std::pair<std::string, std::string>>{
           {"\"adam\"", "\"adm\""}, {"epochs = 12", "epochs = \"a\""}, {"schedule =", "shedule ="}})
    text.replace(text.find(right), right.size(), wrong);
  write(root / "x.toml", text);
  const auto lines = lines_of(hilum({"run", "x.toml", "backbone.seg.plugin=unett"}).err);
  ASSERT_EQ(lines.size(), 4U) << ::testing::PrintToString(lines);
  EXPECT_THAT(lines[0],
              HasSubstr("x.toml:35:1: train: unknown option 'shedule'. Did you mean 'schedule'?"));
  for (const char* part : {"x.toml:31:1: ", "Did you mean 'adam'?", "Did you mean 'unet'?"})
    EXPECT_THAT(lines, ::testing::Contains(HasSubstr(part)));
}

TEST_F(Request, PartsAndStagesThatAreNotThereAreNamedWithTheNearest) {
  refused({"backbone.seg.plugin=unett"}, 2,
          {"no backbone named 'unett'. Did you mean 'unet'?", "Looked in: "});
  refused({"head.mask.on=seg.S8"}, 2, {"backbone 'seg' (unet) has no stage 'S8'", "seg.S7"});
  refused({"head.mask.on=sg.S7"}, 2, {"there is no 'sg'. Did you mean 'seg'?"});
  refused({"+train.freeze=[\"seg.S99\"]"}, 2, {"'seg.S99' matches no parameter"});
  refused({"+train.init=run:none"}, 2, {"no run"});
  refused({"+train.init=none.pt"}, 2, {"none.pt': no such file"});
}

TEST_F(Request, WhatOnlyTheDataShowsToBeAWrongRequestIsNotRecordedEither) {
  refused({"--fold", "9"}, 2, {"data.fold: value '9': no region", "Folds: 0, 1, 2, 3, 4"});
  refused({"data.source=nowhere"}, 2, {"nowhere': no such folder"});
}

TEST_F(Request, ADeviceThatIsNotHereIsRefused) {
  if (fs::exists("/dev/nvidiactl")) GTEST_SKIP() << "there is a GPU here";
  refused({"+train.device=cuda"}, 2, {"sees no GPU here. Use train.device=cpu"});
  refused({"+train.device=cudaa"}, 2, {"'device' must be 'auto', 'cpu', 'cuda'"});
}

TEST_F(Request, ALibraryThatCannotBeLoadedIsExitCode4) {
  write(root / "plugins" / "backbone_torn.so", "not a library");
  const auto outcome = run({"backbone.seg.plugin=torn"}, {.env = {"HILUM_PLUGIN_PATH=plugins"}});
  EXPECT_EQ(outcome.code, 4) << outcome.all();
  EXPECT_THAT(outcome.err, HasSubstr("backbone_torn.so"));
  EXPECT_EQ(recorded(), 0);
}

TEST_F(Request, ADryRunChecksEverythingAndRecordsNothing) {
  const auto outcome = run(kTiny + Strings{"--dry-run"});
  EXPECT_EQ(outcome.code, 0) << outcome.all();
  for (const char* part : {"seg.S3", "head.mask", "parameters", "regions", "nothing was recorded"})
    EXPECT_THAT(outcome.out, HasSubstr(part));
  EXPECT_FALSE(fs::exists(runs() / "hilum.db"));
  const auto plan = json(Strings{"run", kQuickstart, "--dry-run"} + kTiny);
  EXPECT_TRUE(plan.is_object());
  EXPECT_EQ(run(kTiny + Strings{"--dry-run", "data.source=nowhere"}).code, 2);
}

}  // namespace
}  // namespace hilum::testing
