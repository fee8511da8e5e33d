// SPDX-License-Identifier: Apache-2.0
// hilum plugins bench, with the tests' own plugins: times are never held against a limit.
#include <SQLiteCpp/SQLiteCpp.h>

#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

const Strings kQuick{"--repetitions", "3", "--min-time", "0.001"};

class PluginsBench : public Program {
 protected:
  PluginsBench() { write(root / "tiny.toml", "[case.tiny]\na = [2, 3, 8, 8]\nb = [2, 3, 8, 8]\n"); }
  Outcome run(const Strings& words) const {
    return hilum(Strings{"plugins", "bench"} + words,
                 {.env = {"HILUM_PLUGIN_PATH=" HILUM_PARTS_DIR}});
  }
  Outcome tiny(const Strings& words = {}, const std::string& threads = "1") const {
    return run(Strings{"fusion/test_add", "--cases", "tiny.toml", "--threads", threads} + kQuick +
               words);
  }
  // The samples of base.json, each times `factor`.
  void change_file(double factor) const {
    auto recording = json::parse(text_of(root / "base.json"));
    for (auto& one : recording["cases"])
      for (auto& sample : one["samples"]) sample = factor * sample.get<double>();
    write(root / "base.json", recording.dump());
  }
  void refused(const Strings& words, int code, const std::string& part) const {
    const auto outcome = run(words + kQuick);
    EXPECT_EQ(outcome.code, code) << outcome.all();
    EXPECT_THAT(outcome.err, HasSubstr(part));
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, Not(HasSubstr("frame #")));
  }
};

TEST_F(PluginsBench, PrintsATableAndWritesWhatItMeasured) {
  const auto outcome = tiny({"-o", "out/r.json"});
  EXPECT_EQ(outcome.code, 0) << outcome.all();
  for (const char* words : {"fusion/test_add ", "1 thread, LibTorch 2.", "3 repetitions",
                            "forward+backward ms", "\ntiny  "})
    EXPECT_THAT(outcome.out, HasSubstr(words));
  EXPECT_EQ(outcome.err, "") << "Google Benchmark prints nothing";
  const auto file = json::parse(text_of(root / "out/r.json"));
  EXPECT_EQ(file.at("plugin"), "test_add");
  EXPECT_EQ(file.at("threads"), 1);
  EXPECT_EQ(file.at("sha256").get<std::string>().size(), 64u);
  EXPECT_THAT(file.at("build").get<std::string>(), HasSubstr("torch 2."));
  ASSERT_EQ(file.at("cases").size(), 2u);
  EXPECT_EQ(file.at("cases")[1].at("name"), "tiny/forward_backward");
  EXPECT_EQ(file.at("cases")[1].at("samples").size(), 3u);
  EXPECT_EQ(file.at("cases")[0].at("inputs").at("b"), (nlohmann::json{2, 3, 8, 8}));
  EXPECT_FALSE(fs::exists(runs() / "hilum.db")) << "only --record does";
}

TEST_F(PluginsBench, RecordsListsAndAnswersSql) {
  const auto outcome = tiny({"--record", "--tag", "before"});
  ASSERT_EQ(outcome.code, 0) << outcome.all();
  const auto at = outcome.out.find("recorded as ");
  ASSERT_NE(at, std::string::npos) << outcome.out;
  const std::string id = outcome.out.substr(at + 12, 26);
  EXPECT_EQ(sql("select count(*), count(distinct id), min(tag), min(repetitions), min(plugin), "
                "min(median > 0 and low <= median and median <= high) from benchmark"),
            "count(*),count(distinct id),min(tag),min(repetitions),min(plugin),min(median > 0 and "
            "low <= median and median <= high)\n2,1,before,3,test_add,1\n");
  for (const Strings& words : {Strings{"--list"}, Strings{"--list", "test_add"}}) {
    const auto list = run(words);
    EXPECT_EQ(list.code, 0);
    EXPECT_THAT(list.out, HasSubstr(id));
    EXPECT_THAT(list.out, HasSubstr("tiny"));
  }
  const auto none = run({"--list", "fusion/test_concat"});
  EXPECT_EQ(none.code, 0);
  EXPECT_EQ(none.out,
            "No recordings of fusion/test_concat yet: hilum plugins bench PLUGIN --record makes "
            "one.\n");
  EXPECT_EQ(json::parse(run({"--list", "--json"}).out)[0].at("id"), id);
  const auto gone = hilum({"plugins", "bench", "--list", "fusion/test_add"});
  EXPECT_THAT(gone.out, HasSubstr(id)) << "of a plugin that is not found any more";
  refused({"--list", "fusion/test_ad"}, 2, "Did you mean 'test_add'?");
}

TEST_F(PluginsBench, ComparesWithAFile) {
  ASSERT_EQ(tiny({"-o", "base.json"}).code, 0);
  const auto same = tiny({"--compare", "base.json", "--noise", "100"});
  EXPECT_EQ(same.code, 0) << same.all();
  EXPECT_THAT(same.out, HasSubstr("compared with base.json: fusion/test_add"));
  EXPECT_THAT(same.out, HasSubstr("the same within noise"));

  change_file(1e-3);  // then it took a thousandth
  const auto slower = tiny({"--compare", "base.json"});
  EXPECT_EQ(slower.code, 1) << slower.all();
  EXPECT_THAT(slower.out, HasSubstr("  slower\n"));
  change_file(1e6);
  const auto faster = tiny({"--compare", "base.json", "--json"});
  EXPECT_EQ(faster.code, 0) << faster.all();
  const auto document = json::parse(faster.out);
  EXPECT_EQ(document.at("comparisons")[0].at("with"), "base.json");
  EXPECT_EQ(document.at("comparisons")[0].at("slower"), false);
  EXPECT_EQ(document.at("comparisons")[0].at("changes")[0].at("verdict"), "faster");
}

TEST_F(PluginsBench, ComparesWithRecordings) {
  const auto first = tiny({"--record"});
  ASSERT_EQ(first.code, 0) << first.all();
  const std::string id = first.out.substr(first.out.find("recorded as ") + 12, 26);
  SQLite::Database(runs() / "hilum.db", SQLite::OPEN_READWRITE, 5000)
      .exec("UPDATE benchmark SET samples = '[1e-9, 1.1e-9, 1.2e-9]'");
  const auto slower = tiny({"--compare", "@last", "--compare", id.substr(0, 12), "--record"});
  EXPECT_EQ(slower.code, 1) << slower.all();
  EXPECT_THAT(slower.out, HasSubstr("compared with @last: "));
  EXPECT_THAT(slower.out, HasSubstr("compared with " + id.substr(0, 12) + ": "));
  EXPECT_THAT(slower.out, HasSubstr("recorded as ")) << "kept all the same";
  const auto last = tiny({"--compare", "@last", "--noise", "100"});
  EXPECT_EQ(last.code, 0) << "the newest is the second: " << last.all();
}

TEST_F(PluginsBench, OtherThreadsGetANoteAndNoVerdict) {
  ASSERT_EQ(tiny({"-o", "base.json"}).code, 0);
  change_file(1e-3);
  const auto noted = tiny({"--compare", "base.json"}, "2");
  EXPECT_EQ(noted.code, 0) << noted.all();
  EXPECT_THAT(noted.out, HasSubstr("note: threads was 1, is 2"));
  EXPECT_THAT(noted.out, Not(HasSubstr("slower")));
  EXPECT_EQ(tiny({"--compare", "base.json", "--anyway"}, "2").code, 1);
}

TEST_F(PluginsBench, TakesALibrarysFileAndDefaultCases) {
  const auto outcome = run(
      Strings{HILUM_PARTS_DIR "/backbone_test_pyramid.so", "--set", "width=2", "--json"} + kQuick);
  ASSERT_EQ(outcome.code, 0) << outcome.all();
  const auto cases = json::parse(outcome.out).at("cases");
  ASSERT_EQ(cases.size(), 6u);
  EXPECT_EQ(cases[0].at("name"), "64x64/forward");
  for (const auto& one : cases) EXPECT_EQ(one.at("options").at("width"), 2);
}

TEST_F(PluginsBench, ABrokenLibraryIsDiagnosed) {
  refused({HILUM_BAD_DIR "/backbone_crashes.so"}, 4, "crashed with signal 11 (SIGSEGV)");
}

TEST_F(PluginsBench, WrongRequestsAreRefusedBeforeAnyWork) {
  refused({}, 2, "which plugin?");
  refused({"fusion/test_ad"}, 2, "Did you mean 'test_add'?");
  refused({"test_ad"}, 2, "Did you mean 'fusion/test_add'?");
  refused({"test_add", "--set", "widht=3"}, 2, "'widht'");
  refused({"test_add", "--set", "width"}, 2, "--set width: this sets nothing");
  refused({"test_add", "--compare", "@last"}, 2,
          "--compare @last: no recording of fusion/test_add");
  refused({"test_add", "--compare", "none.json"}, 2, "none.json: there is no such file");
  refused({"test_add", "--compare", "01KZ"}, 2, "no recording '01KZ'");
  refused({"test_add", "--tag", "x"}, 2, "--record");
  refused({"test_add", "--repetitons", "3"}, 2, "Did you mean '--repetitions'?");
  write(root / "wrong.toml", "[case.x]\na = [2, 3, 8, 8]\nb = [2, 3, 4, 4]\n");
  refused({"test_add", "--cases", "wrong.toml"}, 2,
          "wrong.toml:1:7: case 'x': fusion 'test_add': ");
  write(root / "wrong.toml", "[case.x]\na = [2, 3, 8, 8]\nz = [2, 3, 8, 8]\n");
  refused({"test_add", "--cases", "wrong.toml"}, 2, "wrong.toml:3:1: case 'x': a fusion has no");
  EXPECT_FALSE(fs::exists(runs() / "hilum.db"));
}

TEST_F(PluginsBench, AStoreThatCannotBeMadeIsRefusedBeforeAnyWork) {
  write(runs(), "a file where the folder would be");
  const auto outcome = run({"fusion/test_add", "--record", "--min-time", "60"});
  EXPECT_EQ(outcome.code, 1) << outcome.all();
  EXPECT_THAT(outcome.err, HasSubstr("HILUM_RUNS"));
}

TEST_F(PluginsBench, HelpIsThereInBothPlaces) {
  EXPECT_THAT(hilum({"plugins", "--help"}).out, HasSubstr("\n  bench "));
  const auto help = run({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* words : {"--compare", "--noise", "1/1.05", "--cases", "Exit code 1"})
    EXPECT_THAT(help.out, HasSubstr(words));
}

}  // namespace
}  // namespace hilum::testing
