// SPDX-License-Identifier: Apache-2.0
// What a plugin's author starts with: `hilum plugins new`, the package, an installed prefix that
// was moved, and the examples built against it.
#include <regex>

#include "tests/cli/author_kit.hpp"

namespace hilum::testing {
namespace {
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
const fs::path kExamples = HILUM_SOURCE_DIR "/examples/plugins";
const std::vector<std::pair<std::string, std::string>> kAll{
    {"backbone", "context"}, {"fusion", "gated"}, {"regularizer", "smooth"}, {"head", "presence"}};

std::string without_licence(const std::string& text) {
  const std::string licence = "// SPDX-License-Identifier: Apache-2.0\n";
  return text.starts_with(licence) ? text.substr(licence.size()) : text;
}
Strings names_in(const fs::path& folder) {
  Strings names;
  for (const auto& file : fs::directory_iterator(folder))
    if (file.is_regular_file()) names.push_back(file.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

class New : public Author {
 protected:
  void refused(const Strings& words, const std::string& part) {
    const auto outcome = hilum(Strings{"plugins", "new"} + words);
    EXPECT_EQ(outcome.code, 2) << outcome.all();
    EXPECT_THAT(outcome.err, HasSubstr(part));
    EXPECT_EQ(outcome.out, "");
    EXPECT_FALSE(fs::exists(root / words.back())) << "nothing is written";
  }
};

TEST_F(New, WritesTheExampleOfEachKind) {
  for (const auto& [kind, name] : kAll) {
    const auto outcome = hilum({"plugins", "new", kind, name});
    ASSERT_EQ(outcome.code, 0) << outcome.all();
    const fs::path example = kExamples / kind / name;
    for (const auto& file : names_in(example))
      EXPECT_EQ(text_of(root / name / file), without_licence(text_of(example / file))) << file;
    const auto readme = text_of(root / name / "README.md");
    EXPECT_THAT(readme,
                AllOf(HasSubstr("build/" + kind + "_" + name + ".so"), Not(HasSubstr("@"))));
    EXPECT_EQ(names_in(root / name).size(), 6U);
    EXPECT_LE(lines_of(text_of(example / (name + ".cpp"))).size(), 40U) << name;
  }
}

TEST_F(New, PutsAnyNameEverywhereAndKeepsTheFormat) {
  const bool formatter = shell("command -v clang-format").code == 0;
  const std::string format =
      "clang-format --style=file:" HILUM_SOURCE_DIR "/.clang-format --dry-run -Werror *.cpp";
  for (const auto& [kind, old] : kAll)
    for (const std::string name : {"x", "my_Gated_2"}) {
      const std::string folder = "made/" + kind + "_" + name;
      ASSERT_EQ(hilum({"plugins", "new", kind, name, "--dir", folder}).code, 0);
      const std::regex left("\\b(" + old + "|[A-Z]" + old.substr(1) + ")(\\b|_)");
      for (const auto& file : names_in(root / folder)) {
        EXPECT_TRUE(file.starts_with(name) || !file.ends_with(".cpp")) << file;
        EXPECT_FALSE(std::regex_search(text_of(root / folder / file), left)) << kind << " " << file;
      }
      const auto source = text_of(root / folder / (name + ".cpp"));
      EXPECT_THAT(source, HasSubstr(name == "x" ? "struct X " : "struct MyGated2 "));
      EXPECT_THAT(source, HasSubstr(">(\"" + name + "\", "));
      if (formatter) done(format, root / folder);
    }
  // A type that the example has already, or uses, gets another name.
  ASSERT_EQ(hilum({"plugins", "new", "fusion", "tensor"}).code, 0);
  EXPECT_THAT(text_of(root / "tensor/tensor.cpp"),
              HasSubstr("struct TensorFusion : hilum::Fusion"));
  if (!formatter) GTEST_SKIP() << "clang-format is not there: the format was not checked";
}

TEST_F(New, RefusesWhatCouldNotWork) {
  refused({"fusio", "x"}, "no kind of plugin is named 'fusio'. Did you mean 'fusion'?");
  refused({"fusion", "my-gate"}, "a letter first: 'my_gate'.");
  refused({"fusion", "2d"}, "a letter first: 'fusion_2d'.");
  refused({"fusion", "../x"}, "cannot be the name of a plugin");
  refused({"fusion", "new"},
          "'new' is a word of C++ and cannot be the name of a plugin. "
          "'new_fusion' can.");
  refused({"fusion", "concat"}, "'fusion/concat' came with Hilum");
}

TEST_F(New, WritesAllFilesOrNone) {
  write(root / "my/README.md", "mine"), write(root / "my/gated.toml", "");
  const auto twice = hilum({"plugins", "new", "fusion", "gated", "--dir", "my/"});
  EXPECT_EQ(twice.code, 2);
  EXPECT_THAT(twice.err, HasSubstr("my/: there is already README.md, gated.toml. Nothing was"));
  EXPECT_EQ(names_in(root / "my"), (Strings{"README.md", "gated.toml"}));
  EXPECT_EQ(text_of(root / "my/README.md"), "mine");

  const auto full =
      hilum({"plugins", "new", "fusion", "gated", "--dir", "a/b"}, {.largest_file = 900});
  EXPECT_EQ(full.code, 1) << full.all();
  EXPECT_THAT(full.err, HasSubstr("a/b: cannot be written: "));
  EXPECT_FALSE(fs::exists(root / "a")) << "folders that were made on the way go, too";
}

class Package : public Author {
 protected:
  // A project of one empty plugin whose CMakeLists.txt begins with `find`; what cmake said.
  std::string configured(const std::string& find, const std::string& options, int code = 0) {
    const fs::path folder = root / ("project" + std::to_string(++projects_));
    write(folder / "CMakeLists.txt",
          "cmake_minimum_required(VERSION 3.25)\nproject(p LANGUAGES CXX)\n" + find +
              "\nhilum_add_plugin(fusion f)\n");
    write(folder / "f.cpp", ""), write(folder / "f_test.cpp", "");
    const auto outcome =
        shell("cmake -B build " + options + " && ctest --test-dir build -N", folder, {});
    EXPECT_EQ(outcome.code, code) << outcome.all();
    return std::regex_replace(outcome.all(), std::regex("\\s+"), " ");  // cmake breaks lines
  }
  const std::string own = HILUM_BINARY_DIR;

 private:
  int projects_ = 0;
};

TEST_F(Package, IsFoundUnderBothSpellingsAndTestsNeedNoLineOfTheAuthors) {
  for (const auto& [find, option] :
       {std::pair{"find_package(Hilum REQUIRED)", "-DCMAKE_PREFIX_PATH=" + own},
        {"find_package(hilum 0.1 REQUIRED)", "-Dhilum_DIR=" + own},
        {"find_package(Hilum 0.1 REQUIRED)", "-DHilum_DIR=" + own}})
    EXPECT_THAT(configured(find, option),
                AllOf(HasSubstr("Test #1: fusion_f.check"), HasSubstr("Test #2: fusion_f.test")));
  EXPECT_THAT(configured("find_package(Hilum 99 REQUIRED)", "-DHilum_DIR=" + own, 1),
              HasSubstr("version \"99\""));
  EXPECT_THAT(
      configured("find_package(Hilum REQUIRED)", "-DHilum_DIR=" + own + " -DBUILD_TESTING=OFF"),
      HasSubstr("Total Tests: 0"));
}

TEST_F(Package, WithoutGoogleTestThePluginIsStillChecked) {
  EXPECT_THAT(
      configured("find_package(Hilum REQUIRED)",
                 "-DHilum_DIR=" + own + " -DCMAKE_DISABLE_FIND_PACKAGE_GTest=ON"),
      AllOf(HasSubstr("fusion_f: without GoogleTest (Debian: libgtest-dev) f_test.cpp is not"),
            HasSubstr("Test #1: fusion_f.check Total Tests: 1")));
}

TEST_F(Package, SaysThatLibTorchIsGone) {
  std::string config = text_of(own + "/hilum-config.cmake");
  config = std::regex_replace(config, std::regex("EXISTS \"[^$]*/"), "EXISTS \"/gone/");
  write(root / "broken/hilum-config.cmake", config);
  EXPECT_THAT(
      configured("find_package(Hilum REQUIRED)", "-DHilum_DIR=" + (root / "broken").string(), 1),
      AllOf(HasSubstr("Hilum was built with the LibTorch in"),
            HasSubstr("include/ATen/ATen.h is no longer there"), HasSubstr("-DHILUM_TORCH=DIR")));
}

class Installed : public Author {
 protected:
  void SetUp() override {
    done("cmake --install " HILUM_BINARY_DIR " --prefix first > installed.txt && mv first moved");
    fs::copy(kExamples, examples, fs::copy_options::recursive);
    fs::remove_all(examples / "build");  // of a person who built them in place
  }
  const fs::path bin = root / "moved/bin", examples = root / "examples";
};

TEST_F(Installed, AMovedPrefixBuildsTheExamplesAndTrainsThem) {
  const auto set = [&](const std::string& script) { return done(script, examples, bin); };
  set("cmake -B build && cmake --build build -j2");
  ASSERT_FALSE(HasFailure());
  EXPECT_THAT(set("ctest --test-dir build --output-on-failure"),
              HasSubstr("100% tests passed, 0 tests failed out of 8"));
  const auto list = set("HILUM_PLUGIN_PATH=build/plugins hilum plugins list");
  for (const auto& [kind, name] : kAll)
    EXPECT_THAT(list, HasSubstr("/" + kind + "_" + name + ".so"));
  EXPECT_THAT(list, Not(HasSubstr("Broken")));
  const auto run = set("hilum run all.toml train.epochs=1 +train.threads=1");
  EXPECT_THAT(run, HasSubstr("test.there"));
  EXPECT_EQ(sql("select name from plugin order by 1"),
            "name\ncontext\ngated\npresence\nsegmentation\nsmooth\nunet\n");

  // An installed experiment with a part of one's own; maps of published weights.
  set("hilum run ../moved/share/hilum/experiments/quickstart.toml --dry-run "
      "'+plugins.registries=[\"build/plugins\"]' backbone.seg.plugin=context head.mask.on=seg.C4");
  EXPECT_TRUE(fs::exists(root / "moved/share/hilum/maps/torchvision_resnet50.toml"));
  // Nothing in the prefix names the folder that it was installed to.
  EXPECT_EQ(shell("grep -rlF '" + (root / "first").string() + "' moved", root).code, 1);
}

// Without hilum on the PATH, in a folder with a blank: what is printed can be pasted.
TEST_F(Installed, TheCommandsThatNewPrintsWork) {
  const std::string program = (bin / "hilum").string();
  const auto said = done(program + " plugins new head my_head --dir 'a folder'", root, {});
  const size_t begin = said.find("Next:\n"), end = said.find("Then change");
  ASSERT_TRUE(begin != said.npos && end != said.npos) << said;
  const auto commands = lines_of(said.substr(begin + 6, end - begin - 6));
  EXPECT_EQ(commands.size(), 6U);
  for (const auto& command : commands) {
    const auto outcome = shell(command, {}, {});
    ASSERT_EQ(outcome.code, 0) << command << "\n" << outcome.all();
  }
  EXPECT_EQ(sql("select name, status from run"), "name,status\nmy_head,done\n");
}

}  // namespace
}  // namespace hilum::testing
