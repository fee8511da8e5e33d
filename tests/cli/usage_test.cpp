// SPDX-License-Identifier: Apache-2.0
// What needs no plugin: help, words that are wrong, files that are not there.
#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;
using ::testing::Not;

class Usage : public Program {
 protected:
  // The program refuses, says `part`, prints nothing to stdout, and records nothing.
  void refused(const Strings& words, int code, const std::string& part) {
    const auto outcome = hilum(words);
    EXPECT_EQ(outcome.code, code) << outcome.all();
    EXPECT_THAT(outcome.err, HasSubstr(part)) << ::testing::PrintToString(words);
    EXPECT_EQ(outcome.out, "");
    for (const char* noise : {"terminate", "c10::", "Exception", "frame #"})
      EXPECT_THAT(outcome.err, Not(HasSubstr(noise)));
    EXPECT_FALSE(fs::exists(runs() / "hilum.db"));
  }
};

TEST_F(Usage, HelpNamesEveryCommandAndEveryCommandHasHelp) {
  const auto help = hilum({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* command : {"run", "resume", "eval", "plan", "runs", "plugins", "config", "data",
                              "metrics", "weights", "doctor"}) {
    EXPECT_THAT(help.out, HasSubstr(std::string("\n  ") + command + " "));
    const auto own = hilum({command, "--help"});
    EXPECT_EQ(own.code, 0) << command;
    EXPECT_THAT(own.out, HasSubstr(std::string("hilum ") + command)) << own.all();
    EXPECT_EQ(own.err, "");
  }
  EXPECT_THAT(help.out, HasSubstr("hilum run experiments/quickstart.toml"));
  EXPECT_THAT(help.out, Not(HasSubstr("describe"))) << "for the program's own use";
}

TEST_F(Usage, HelpOfRunHasItsOptions) {
  const auto help = hilum({"run", "--help"});
  for (const char* words : {"--fold,--folds", "--dry-run", "--json", "a.b=v", "'all'"})
    EXPECT_THAT(help.out, HasSubstr(words));
}

TEST_F(Usage, VersionNamesTheProgramAndLibTorch) {
  const auto version = hilum({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.out, ::testing::MatchesRegex("hilum [0-9.]+, LibTorch 2[0-9.]+\n"));
}

TEST_F(Usage, ACommandThatIsMissingGivesTheHelp) {
  refused({}, 2, "Subcommands:");
  refused({"runs"}, 2, "Usage: hilum runs");
  refused({"weights"}, 2, "export");
}

TEST_F(Usage, AnUnknownCommandOrOptionIsNamedWithTheNearest) {
  refused({"rnu", "x.toml"}, 2, "hilum: no command 'rnu'. Did you mean 'run'?");
  refused({"frobnicate"}, 2, "hilum: no command 'frobnicate'. Commands: run, resume");
  refused({"runs", "lst"}, 2, "hilum runs: no command 'lst'. Did you mean 'list'?");
  refused({"plugins", "chek"}, 2, "hilum plugins: no command 'chek'. Did you mean 'check'?");
  refused({"run", "x.toml", "--dryrun"}, 2, "Did you mean '--dry-run'?");
  refused({"runs", "list", "--jsno"}, 2, "Did you mean '--json'?");
}

TEST_F(Usage, AWordThatIsMissingIsNamed) {
  refused({"run"}, 2, "hilum run: experiment is required");
  refused({"resume"}, 2, "hilum resume: run is required");
  refused({"weights", "export", "x"}, 2, "--out is required");
  refused({"data", "phantom"}, 2, "--out is required");
  refused({"eval", "x", "--split", "tset"}, 2, "tset not in {train,val,test}");
}

TEST_F(Usage, AFileThatIsMissingIsNamed) {
  for (const char* command : {"run", "plan"})
    refused({command, "none.toml"}, 2, "none.toml: there is no such experiment file.");
  refused({"config", "show", "none.toml"}, 2, "none.toml: there is no such experiment file.");
  refused({"metrics", "a.nii", "b.nii"}, 3, "a.nii: does not exist");
  refused({"data", "check", "nowhere"}, 2, "'nowhere': no such folder");
  refused({"plugins", "check", "none.so"}, 2, "none.so");
}

TEST_F(Usage, TomlSyntaxErrorsHaveLineAndColumn) {
  write(root / "table.toml", "[experiment]\nname = \"x\"\n[train\n");
  refused({"run", "table.toml"}, 2, "table.toml:3:7: ");
  write(root / "value.toml", "[train]\nlr = = 3\n");
  refused({"run", "value.toml"}, 2, "value.toml:2:6: ");
  write(root / "twice.toml", "[train]\nlr = 1\nlr = 2\n");
  refused({"run", "twice.toml"}, 2, "twice.toml:3:");
}

TEST_F(Usage, AnEmptyStoreIsSaidWithWhatToDo) {
  const auto list = hilum({"runs", "list"});
  EXPECT_EQ(list.code, 0);
  EXPECT_THAT(list.out, HasSubstr("No runs in " + runs().string() + " yet. `hilum run"));
  EXPECT_EQ(json({"runs", "list"}), nlohmann::json::array());
  for (const char* command : {"resume", "eval"})
    refused({command, "@last"}, 2, "no runs in " + runs().string());
  refused({"runs", "show", "@last"}, 2, "no runs in");
  refused({"weights", "export", "@last", "-o", "w.safetensors"}, 2, "no runs in");
}

TEST_F(Usage, ListsAreFast) {
  (void)hilum({"plugins", "list"});  // fills the cache
  EXPECT_LT(hilum({"plugins", "list"}).cpu, 0.5);
  EXPECT_LT(hilum({"runs", "list"}).cpu, 0.1);
}

TEST_F(Usage, DoctorTakesNoGpuAndAnEmptyStoreAsNotes) {
  const auto doctor = hilum({"doctor"});
  EXPECT_EQ(doctor.code, 0) << doctor.all();
  EXPECT_THAT(doctor.out, HasSubstr("everything that is installed works"));
  EXPECT_THAT(doctor.out, HasSubstr("LibTorch 2."));
  EXPECT_EQ(json({"doctor"}).at("works"), true);
  EXPECT_THAT(doctor.out, HasSubstr("memory is kept between steps"));
  const auto slow = hilum({"doctor"}, {.env = {"GLIBC_TUNABLES=", "HILUM_FUSED=0"}});
  EXPECT_EQ(slow.code, 0) << slow.all();
  EXPECT_THAT(slow.out, HasSubstr("LibTorch's operations alone (HILUM_FUSED=0)"));
  EXPECT_THAT(slow.out, HasSubstr("memory is given back after each step"));
}

TEST_F(Usage, DoctorReportsABrokenPluginLibrary) {
  write(root / "plugins" / "backbone_torn.so", "not a library");
  const auto doctor = hilum({"doctor"}, {.env = {"HILUM_PLUGIN_PATH=plugins"}});
  EXPECT_EQ(doctor.code, 1);
  EXPECT_THAT(doctor.out, HasSubstr("backbone_torn.so"));
  EXPECT_THAT(doctor.out, HasSubstr("something does not work"));
}

}  // namespace
}  // namespace hilum::testing
