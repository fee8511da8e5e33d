// SPDX-License-Identifier: Apache-2.0
// hilum plugins check over each hostile library: a diagnosis in 15 seconds, exit code 4, and a
// program that lives to tell it.
#include <map>

#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;

constexpr double kLimit = 15;  // seconds
const std::string kBad = HILUM_BAD_DIR "/backbone_";

class Hostile : public Program {
 protected:
  void expect_wrong(const std::string& library, const std::string& words) const {
    SCOPED_TRACE(library);
    const auto checked = hilum({"plugins", "check", library});
    EXPECT_EQ(checked.code, 4) << checked.all();
    EXPECT_LT(checked.seconds, kLimit);
    EXPECT_THAT(checked.out, HasSubstr("WRONG"));
    EXPECT_THAT(checked.out, HasSubstr(words));
  }
};

TEST_F(Hostile, WhatEndsTheProcess) {
  const std::map<std::string, std::string> said{
      {"crashes", "crashed with signal 11 (SIGSEGV) while being loaded"},
      {"exits", "called exit(3) while being loaded"},
      {"throws_at_load", "throws while being loaded: no GPU, no glory"},
      {"unresolved", "undefined symbol"},
      {"throws", "failed while registering: the weights of 1998 are not here"},
      {"exits_late", "called exit(7) while registering"},
      {"exits_at_once", "ended the process with exit code 7 while registering"},
      {"exits_quickly", "ended the process with exit code 7 while registering"},
      {"kills_itself", "signal 9 (SIGKILL) while registering"},
      {"overflows", "crashed with signal 11 (SIGSEGV) while registering"},
      {"terminates", "crashed with signal 6 (SIGABRT) while registering"},
      {"null_factory", "has no factory"},
      {"other_name", "registers 'backbone/another'"}};
  for (const auto& [name, words] : said) expect_wrong(kBad + name + ".so", words);
}

TEST_F(Hostile, WhatNeverEnds) {
  expect_wrong(kBad + "hangs.so", "hangs: no end after 10 s while being loaded");
  expect_wrong(kBad + "spins.so", "hangs: no end after 10 s while registering");
}

TEST_F(Hostile, WhatIsNoLibrary) {
  expect_wrong(kBad + "not_elf.so", "it is no ELF file");
  expect_wrong(kBad + "empty.so", "too short");
  const auto file = [&](const std::string& name) { return (root / name).string(); };
  fs::create_symlink("nowhere.so", root / "backbone_link.so");
  expect_wrong(file("backbone_link.so"), "is a link to nowhere.so, where no file is");
  fs::create_directory(root / "backbone_folder.so");
  expect_wrong(file("backbone_folder.so"), "is a folder and no library");
  fs::copy_file(kBad + "good.so", root / "backbone_good.so");
  fs::resize_file(root / "backbone_good.so", fs::file_size(kBad + "good.so") / 2);
  expect_wrong(file("backbone_good.so"), "cut off or damaged");
}

TEST_F(Hostile, WhatMakesNoPart) {
  const std::string parts = HILUM_BAD_PARTS_DIR "/";
  expect_wrong(parts + "head_null_part.so", "its factory returned nothing");
  expect_wrong(parts + "head_other_part.so", "its factory returned a part of another kind");
  expect_wrong(parts + "backbone_null_module.so", "returned no module");
}

}  // namespace
}  // namespace hilum::testing
