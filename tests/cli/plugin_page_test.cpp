// SPDX-License-Identifier: Apache-2.0
// docs/writing-a-plugin.md, followed word for word in a folder outside this tree: every block of
// code is written to the file that its first line names, built against the build tree, checked, and
// trained.
#include <map>

#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;

// A block's first line is a comment with the file's name: "// context.cpp", "# CMakeLists.txt".
std::map<std::string, std::string> files_of(const std::string& page) {
  std::map<std::string, std::string> files;
  bool inside = false;
  std::string name;
  for (const auto& line : lines_of(page)) {
    if (line.starts_with("```")) {
      inside = !inside && line.size() > 3;
      name.clear();
    } else if (inside && name.empty()) {
      name = line.substr(line.find(' ') + 1);
      files[name] += line + "\n";
    } else if (inside) {
      files[name] += line + "\n";
    }
  }
  return files;
}

class Page : public Program {
 protected:
  // A command of the page that is not ours: cmake.
  void shell(const Strings& words) {
    const auto outcome =
        Process(words,
                {.env = {"CCACHE_NOHASHDIR=1", "CCACHE_BASEDIR=" + root.string()}, .cwd = root},
                root / "streams" / "cmake")
            .wait(500);
    ASSERT_EQ(outcome.code, 0) << outcome.all();
  }
  void build() {
    for (const auto& [name, text] : files_of(text_of(HILUM_SOURCE_DIR "/docs/writing-a-plugin.md")))
      write(root / name, text);
    shell({HILUM_CMAKE, "-S", ".", "-B", "build", "-G", HILUM_GENERATOR,
           "-Dhilum_DIR=" HILUM_BINARY_DIR, "-DCMAKE_CXX_COMPILER=" HILUM_CXX,
           "-DCMAKE_CXX_COMPILER_LAUNCHER=" HILUM_CCACHE});
    shell({HILUM_CMAKE, "--build", "build", "-j2"});
  }
};

TEST_F(Page, EveryBlockCompilesAndThePluginsAreFoundAndTrained) {
  build();
  ASSERT_FALSE(HasFatalFailure());
  const Launch mine{.env = {"HILUM_PLUGIN_PATH=" + (root / "build").string()}};
  const auto check = hilum({"plugins", "check"}, mine);
  EXPECT_EQ(check.code, 0) << check.all();
  for (const char* plugin :
       {"backbone/context", "fusion/gate", "regularizer/smooth", "head/presence"})
    EXPECT_THAT(check.out, HasSubstr(plugin));
  EXPECT_THAT(hilum({"plugins", "info", "backbone/context"}, mine).out, HasSubstr("width"));

  const Strings small = {"+data.phantom.count=12", "+data.phantom.patients=6", "+train.threads=1"};
  const auto one = json(Strings{"run", "context.toml", "train.epochs=1"} + small, mine);
  EXPECT_EQ(one.at("status"), "done");
  EXPECT_TRUE(one.at("metrics").contains("test.mask.dice"));
  const auto all = json(Strings{"run", "all.toml", "train.epochs=1"} + small, mine);
  EXPECT_TRUE(all.at("metrics").contains("test.there.slice_auc"));
  EXPECT_EQ(sql("select name from plugin where run = '" + all.at("id").get<std::string>() +
                "' order by 1"),
            "name\ncontext\ngate\npresence\nsegmentation\nsmooth\nunet\n");
  // The quickstart with one other line, as the page says; 3D from the same source.
  EXPECT_EQ(
      hilum({"run", kQuickstart, "backbone.seg.plugin=context", "head.mask.on=seg.C4", "--dry-run"},
            mine)
          .code,
      0);
  EXPECT_EQ(hilum({"plan", "context.toml", "data.dims=3", "data.roi=[16,32,32]"}, mine).code, 0);
  const auto without = hilum({"run", "context.toml"});
  EXPECT_EQ(without.code, 2) << "without HILUM_PLUGIN_PATH";
  EXPECT_THAT(without.err, HasSubstr("no backbone named 'context'"));
}

}  // namespace
}  // namespace hilum::testing
