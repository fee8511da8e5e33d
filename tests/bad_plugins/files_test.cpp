// SPDX-License-Identifier: Apache-2.0
// What is no library of this machine, whatever its name says: known without running any of it.
#include <gmock/gmock.h>

#include <cstring>
#include <random>

#include "core/plugins/elf.hpp"
#include "core/plugins/stamp.hpp"
#include "tests/bad_plugins/places.hpp"

namespace hilum::plugins {
namespace {
namespace fs = std::filesystem;
using testing::HasSubstr;

class FilesTest : public Places {
 protected:
  FilesTest() : here(folder("p", {"good"})), library(here / "backbone_good.so") {}
  // A diagnosis needs no child process: there is none here.
  Description look(const std::string& name = "good") {
    auto s = search({here});
    s.engine.clear();
    Catalog catalog(std::move(s));
    return catalog.describe(catalog.find("backbone", name));
  }
  void expect(const Description& d, Step step, const std::string& words) {
    ASSERT_TRUE(d.failure) << "was accepted";
    EXPECT_TRUE(d.failure->looked);
    EXPECT_EQ(to_text(d.failure->step), to_text(step));
    EXPECT_THAT(d.failure->cause, HasSubstr(words));
  }
  void patch(std::streamoff at, char byte) const {
    std::fstream file(library, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at).put(byte);
  }
  const fs::path here, library;
};

TEST_F(FilesTest, ALinkThatPointsNowhereSaysWhere) {
  fs::create_symlink("/no/such/build/backbone_old.so", here / "backbone_link.so");
  expect(look("link"), Step::exists, "is a link to /no/such/build/backbone_old.so, where no file");
}

TEST_F(FilesTest, AFolderIsNoLibrary) {
  fs::create_directory(here / "backbone_folder.so");
  expect(look("folder"), Step::exists, "is a folder and no library");
}

TEST_F(FilesTest, AFileThatMayNotBeRead) {
  fs::permissions(library, fs::perms::none);
  fs::permissions(root, fs::perms(0755));
  const bool is_root = geteuid() == 0;  // who may read everything
  if (is_root && seteuid(65534) != 0) GTEST_SKIP() << "root that cannot become another user";
  const auto d = look();
  ASSERT_EQ(is_root ? seteuid(0) : 0, 0);
  expect(d, Step::exists, "the library cannot be read");
}

TEST_F(FilesTest, ALibraryOfAnotherKindOfMachine) {
  patch(4, 1);  // EI_CLASS
  expect(look(), Step::stamp, "it is a 32-bit library");
  patch(4, 2), patch(18, 0x7F);  // e_machine
  expect(look(), Step::stamp, "it is for another processor (ELF machine 127)");
  fs::copy_file("/proc/self/exe", library, fs::copy_options::overwrite_existing);
  patch(16, 2);  // e_type
  expect(look(), Step::stamp, "no shared library");
}

TEST_F(FilesTest, ACutLibraryAtAnyLength) {
  const auto whole = fs::file_size(library);
  for (const uintmax_t bytes :
       {uintmax_t{63}, uintmax_t{64}, uintmax_t{4096}, whole / 2, whole - 1}) {
    SCOPED_TRACE(bytes);
    fs::resize_file(library, bytes);
    expect(look(), Step::stamp,
           bytes < 64 ? "the file is too short" : "it is cut off or damaged: its ");
  }
}

// Whatever a byte of the header or of the table of sections becomes: a diagnosis or a good library.
TEST_F(FilesTest, DamageEndsInADiagnosisAndNotInACrash) {
  const std::string good = text_of(library);
  uint64_t sections = 0;
  std::memcpy(&sections, good.data() + 40, sizeof sections);  // e_shoff
  std::mt19937 random(7);
  size_t refused = 0;
  for (int i = 0; i < 400; ++i) {
    std::string bad = good;
    const size_t begin = i % 2 ? static_cast<size_t>(sections) : 0;
    const size_t size = i % 2 ? good.size() - begin : 64;
    for (int n = 0; n < 3; ++n) bad[begin + random() % size] = static_cast<char>(random());
    std::ofstream(library, std::ios::binary) << bad;
    refused += check_symbols(Catalog::from_file(library)).has_value();
    (void)built_for(library);
  }
  EXPECT_GT(refused, 100u);
}

}  // namespace
}  // namespace hilum::plugins
