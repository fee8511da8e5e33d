// SPDX-License-Identifier: Apache-2.0
// Every bad library gets its own diagnosis, and none takes this process down.
#include <gmock/gmock.h>

#include <map>

#include "core/plugins/stamp.hpp"
#include "tests/bad_plugins/places.hpp"

namespace hilum::plugins {
namespace {
using testing::HasSubstr;

struct Expected {
  Step step;
  Strings words;  // all of them are in the cause or the advice
};

const std::map<std::string, Expected>& expected() {
  static const std::map<std::string, Expected> all{
      {"not_elf", {Step::stamp, {"is not a shared library that can be read"}}},
      {"empty", {Step::stamp, {"is not a shared library that can be read", "too short"}}},
      {"plain", {Step::entry, {"is a shared library, but not a plugin", "HILUM_PLUGIN"}}},
      {"no_entry", {Step::entry, {"has no entry 'hilum_plugin'"}}},
      {"no_stamp", {Step::entry, {"exports no stamp"}}},
      {"wrong_sdk", {Step::stamp, {"built for sdk 9999, torch", "this program has sdk "}}},
      {"wrong_torch", {Step::stamp, {"torch 0.4.1 (", "this program has sdk "}}},
      {"wrong_cuda", {Step::stamp, {"(CUDA 9.2)", "this program has sdk "}}},
      {"crashes",
       {Step::loads, {"crashed with signal 11 (SIGSEGV) while being loaded", "static objects"}}},
      {"throws_at_load",
       {Step::loads, {"throws while being loaded: no GPU, no glory", "static objects"}}},
      {"exits", {Step::loads, {"called exit(3) while being loaded"}}},
      {"hangs", {Step::loads, {"hangs: no end after 3 s while being loaded"}}},
      {"unresolved", {Step::loads, {"cannot be loaded: ", "undefined symbol", "defined_nowhere"}}},
      {"throws", {Step::registers, {"failed while registering: the weights of 1998 are not here"}}},
      {"throws_int",
       {Step::registers,
        {"failed while registering: threw something that is not a std::exception"}}},
      {"crashes_late", {Step::registers, {"crashed with signal 6 (SIGABRT) while registering"}}},
      {"exits_late", {Step::registers, {"called exit(7) while registering"}}},
      {"exits_at_once",
       {Step::registers, {"ended the process with exit code 7 while registering"}}},
      {"exits_quickly",
       {Step::registers, {"ended the process with exit code 7 while registering"}}},
      {"kills_itself", {Step::registers, {"signal 9 (SIGKILL) while registering"}}},
      {"overflows", {Step::registers, {"crashed with signal 11 (SIGSEGV) while registering"}}},
      {"terminates",
       {Step::registers,
        {"crashed with signal 6 (SIGABRT) while registering", "thrown out of noexcept"}}},
      {"spins", {Step::registers, {"hangs: no end after 3 s while registering"}}},
      {"null_factory",
       {Step::registers,
        {"registers the backbone 'null_factory', which has no factory", "r.add<...>"}}},
      {"silent", {Step::names, {"registers no plugin"}}},
      {"twice", {Step::names, {"registers 'backbone/twice' twice"}}},
      {"other_name",
       {Step::names, {"registers 'backbone/another', but", "promises 'backbone/other_name'"}}},
      {"reserved", {Step::options, {"declares the option 'guide', which is reserved", "Rename"}}},
      {"bad_default",
       {Step::options, {"default outside its own limits", "'width' is 8, allowed [16, 64]"}}},
      {"option_twice", {Step::options, {"declares the option 'width' twice"}}},
  };
  return all;
}

class Diagnosis : public Places {};

TEST_F(Diagnosis, OfEachBadLibraryIsItsOwn) {
  Catalog catalog(search({HILUM_BAD_DIR}));
  std::map<std::string, Description> found;
  for (auto& d : catalog.describe(catalog.entries())) found[d.entry.name] = d;
  EXPECT_EQ(found.size(), expected().size() + 2) << "a library without an expected diagnosis";
  for (const auto& [name, wanted] : expected()) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(found.contains(name));
    const auto& failure = found[name].failure;
    ASSERT_TRUE(failure) << "was accepted";
    EXPECT_EQ(to_text(failure->step), to_text(wanted.step)) << failure->cause;
    for (const auto& words : wanted.words)
      EXPECT_THAT(failure->cause + " " + failure->advice, HasSubstr(words));
  }
  EXPECT_FALSE(found["good"].failure);
  EXPECT_FALSE(found["prints"].failure) << "what a library prints must not disturb the report";
}

TEST_F(Diagnosis, IsTheSameForOneLibraryAlone) {
  for (const std::string name : {"crashes", "exits", "throws_int", "good"}) {
    Catalog catalog(search({HILUM_BAD_DIR}));
    const auto d = catalog.describe(catalog.find("backbone", name));
    ASSERT_EQ(d.failure.has_value(), name != "good") << name;
    if (d.failure) {
      EXPECT_THAT(d.failure->cause, HasSubstr(expected().at(name).words.front()));
    }
    std::filesystem::remove_all(root / "cache");
  }
}

// The names of its symbols are read; of the library, nothing runs.
TEST_F(Diagnosis, OfAWrongStampRunsNoCodeOfTheLibrary) {
  const auto witness = root / "ran";
  setenv("HILUM_LIE_RAN", witness.c_str(), 1);
  for (const std::string name : {"wrong_sdk", "wrong_torch", "no_entry", "plain", "no_stamp"}) {
    Catalog catalog(search({HILUM_BAD_DIR}));
    EXPECT_TRUE(catalog.describe(catalog.find("backbone", name)).failure);
    EXPECT_FALSE(std::filesystem::exists(witness)) << name;
  }
  Catalog catalog(search({HILUM_BAD_DIR}));
  (void)catalog.describe(catalog.find("backbone", "exits"));
  EXPECT_TRUE(std::filesystem::exists(witness)) << "the witness itself does not work";
  unsetenv("HILUM_LIE_RAN");
}

TEST_F(Diagnosis, OfAMissingLibrarySaysWhereItWasExpected) {
  const auto here = folder("a", {});
  std::ofstream(here / "registry.toml") << "[\"head/lost\"]\nlibrary = \"head_lost.so\"\n";
  Catalog catalog(search({here}));
  const auto d = catalog.describe(catalog.find("head", "lost"));
  ASSERT_TRUE(d.failure);
  EXPECT_EQ(d.failure->step, Step::exists);
  const std::string text = error(d.entry, *d.failure).what();
  EXPECT_THAT(
      text, HasSubstr((here / "head_lost.so").string() + ": head 'lost': the library is missing"));
  EXPECT_THAT(text, HasSubstr("registry.toml:1:2"));
  EXPECT_THAT(text, HasSubstr("hilum_add_plugin(head lost)"));
}

// The promise is the registry's here, and not the file's name.
TEST_F(Diagnosis, OfAnotherNameThanTheRegistrysNamesBoth) {
  const auto here = folder("a", {"good"});
  std::ofstream(here / "registry.toml")
      << "[\"backbone/better\"]\nlibrary = \"backbone_good.so\"\n";
  Catalog catalog(search({here}));
  const auto d = catalog.describe(catalog.find("backbone", "better"));
  ASSERT_TRUE(d.failure) << "was accepted";
  EXPECT_EQ(d.failure->step, Step::names);
  EXPECT_THAT(d.failure->cause, HasSubstr("registers 'backbone/good', but its registry or file "
                                          "name promises 'backbone/better'"));
}

TEST_F(Diagnosis, OfALibraryInABuildTreeHasTheCommandThatRebuildsIt) {
  const auto here = folder("build/plugins", {"wrong_sdk"});
  std::ofstream(root / "build" / "CMakeCache.txt") << "";
  Catalog catalog(search({here}));
  const auto d = catalog.describe(catalog.find("backbone", "wrong_sdk"));
  EXPECT_THAT(d.failure->advice, "Rebuild: cmake --build " + (root / "build").string() +
                                     " --target backbone_wrong_sdk");
}

TEST_F(Diagnosis, OfOneNameInTwoFoldersNamesBothFiles) {
  const auto a = folder("a", {"good"}), b = folder("b", {"good"});
  Catalog catalog(search({a, b}));
  try {
    (void)catalog.find("backbone", "good");
    FAIL() << "a name in two places was accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.fault, Fault::plugin);
    EXPECT_THAT(e.what(), HasSubstr((a / "backbone_good.so").string()));
    EXPECT_THAT(e.what(), HasSubstr((b / "backbone_good.so").string()));
  }
  for (const auto& d : catalog.describe(catalog.entries())) {
    ASSERT_TRUE(d.failure);
    EXPECT_EQ(d.failure->step, Step::unique);
  }
}

TEST_F(Diagnosis, WithoutAnEngineKnowsNothingAgainstALibrary) {
  auto s = search({HILUM_BAD_DIR});
  s.engine = root / "no-such-engine";
  Catalog catalog(std::move(s));
  const auto d = catalog.describe(catalog.find("backbone", "good"));
  ASSERT_TRUE(d.failure);
  EXPECT_FALSE(d.failure->looked);
  EXPECT_THAT(d.failure->cause, HasSubstr("no-such-engine cannot be started: No such file"));
}

}  // namespace
}  // namespace hilum::plugins
