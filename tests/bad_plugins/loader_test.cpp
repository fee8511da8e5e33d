// SPDX-License-Identifier: Apache-2.0
#include "core/plugins/loader.hpp"

#include <gmock/gmock.h>

#include "core/plugins/library.hpp"
#include "tests/bad_plugins/places.hpp"

namespace hilum::plugins {
namespace {
using testing::HasSubstr;

class LoaderTest : public Places {
 protected:
  Loader loader() { return Loader(Catalog(search({HILUM_BAD_DIR}))); }
};

std::string refusal(Loader& loader, const std::string& name, Fault fault = Fault::plugin) {
  try {
    (void)loader.load("backbone", name);
  } catch (const Error& e) {
    EXPECT_EQ(e.fault, fault) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "'" << name << "' was loaded";
  return "";
}

TEST_F(LoaderTest, LoadsAGoodPluginOnceAndSaysWhatItUsed) {
  Loader good = loader();
  const Plugin& plugin = good.load("backbone", "good");
  EXPECT_EQ(&plugin, &good.load("backbone", "good"));
  EXPECT_EQ(declaration(plugin).version, "1.2");
  const auto used = good.loaded();
  ASSERT_EQ(used.size(), 1u);
  EXPECT_EQ(used[0].name, "good");
  EXPECT_EQ(used[0].sha256.size(), 64u);
  EXPECT_EQ(used[0].sha256, good.library_sha256("backbone", "good"));
  EXPECT_EQ(used[0].library, std::filesystem::path(HILUM_BAD_DIR) / "backbone_good.so");
}

// A library that would take this process down is refused before it is loaded.
TEST_F(LoaderTest, RefusesEachBadLibraryWithItsDiagnosis) {
  Loader bad = loader();
  const std::string folder = HILUM_BAD_DIR;
  EXPECT_THAT(refusal(bad, "crashes"),
              HasSubstr(folder + "/backbone_crashes.so: backbone 'crashes': crashed "
                                 "with signal 11 (SIGSEGV) while being loaded"));
  EXPECT_THAT(refusal(bad, "exits"), HasSubstr("called exit(3)"));
  EXPECT_THAT(refusal(bad, "hangs"), HasSubstr("hangs"));
  EXPECT_THAT(refusal(bad, "wrong_torch"), HasSubstr("torch 0.4.1"));
  EXPECT_THAT(refusal(bad, "throws"), HasSubstr("the weights of 1998"));
  EXPECT_THAT(refusal(bad, "twice"), HasSubstr("twice"));
  EXPECT_THAT(refusal(bad, "other_name"), HasSubstr("'backbone/another'"));
  EXPECT_TRUE(bad.loaded().empty());
}

// The same promises hold where no child process could be asked.
TEST_F(LoaderTest, ChecksWhatIsInThisProcessAsWell) {
  auto s = search({HILUM_BAD_DIR});
  s.engine.clear();
  Loader alone{Catalog(std::move(s))};
  EXPECT_THAT(refusal(alone, "throws_int"), HasSubstr("not a std::exception"));
  EXPECT_THAT(refusal(alone, "reserved"), HasSubstr("reserved"));
  EXPECT_THAT(refusal(alone, "bad_default"), HasSubstr("allowed [16, 64]"));
  EXPECT_THAT(refusal(alone, "throws_at_load"),
              HasSubstr("throws while being loaded: no GPU, no glory"));
  EXPECT_THAT(refusal(alone, "unresolved"), HasSubstr("undefined symbol"));
  EXPECT_THAT(refusal(alone, "wrong_sdk"), HasSubstr("sdk 9999"));
  EXPECT_EQ(declaration(alone.load("backbone", "good")).name, "good");
}

TEST_F(LoaderTest, AnUnknownNameIsTheRequestsFaultAndSaysWhereItLooked) {
  Loader bad = loader();
  const std::string text = refusal(bad, "goood", Fault::request);
  EXPECT_THAT(text, HasSubstr("no backbone named 'goood'. Did you mean 'good'?"));
  EXPECT_THAT(text, HasSubstr(std::string("Looked in: ") + HILUM_BAD_DIR));
}

// Rules across options are code of the plugin: the loaded lookup knows them, the cached one does
// not.
TEST_F(LoaderTest, LookupsDifferInRulesAcrossOptions) {
  const Values values{{"width", {int64_t{9}, "a.toml:1:1"}}};
  const auto problems = [&](const Declaration& d) {
    Problems found;
    d.validate(values, "backbone 'good'", "a.toml:1:1", found, {});
    return found;
  };
  auto shared = std::make_shared<Loader>(loader());
  const auto loaded = problems(loaded_lookup(shared)("backbone", "good"));
  ASSERT_EQ(loaded.size(), 1u);
  EXPECT_THAT(loaded[0].message, HasSubstr("'width' must be a multiple of 'heads'"));
  auto& catalog = shared->catalog();
  EXPECT_TRUE(problems(catalog.describe(catalog.find("backbone", "good")).declaration).empty());
}

}  // namespace
}  // namespace hilum::plugins
