// SPDX-License-Identifier: Apache-2.0
// Each rule twice: it holds for the tree, and it would notice if it did not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules.hpp"

namespace hilum::arrows {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Files& tree() {
  static const Files files = read_tree(HILUM_SOURCE_DIR);
  return files;
}
// What a rule says of a tree of one file.
template <class Rule>
Violations of(Rule rule, const std::string& path, const std::string& text) {
  return rule({{path, text}});
}

TEST(Tree, IsRead) {
  EXPECT_GT(tree().size(), 100u);
  const auto has = [](const std::string& path) {
    return std::any_of(tree().begin(), tree().end(), [&](const File& f) { return f.path == path; });
  };
  EXPECT_TRUE(has("core/runs/store.cpp")) << "a room was taken for a folder of runs";
  EXPECT_TRUE(has("core/include/hilum/plugin.hpp"));
}

TEST(Rooms, HoldInTheTree) { EXPECT_THAT(rooms(tree()), IsEmpty()); }
TEST(Rooms, AnArrowUpwardsIsAViolation) {
  EXPECT_THAT(of(rooms, "core/metrics/a.cpp", "#include <map>\n#include \"core/train/b.hpp\"\n"),
              ElementsAre("core/metrics/a.cpp:2: core/metrics must not include core/train"));
  EXPECT_THAT(of(rooms, "core/data/a.cpp", "#include \"core/runs/b.hpp\"\n"),
              ElementsAre(HasSubstr("core/data must not include core/runs")));
  EXPECT_THAT(of(rooms, "core/util/a.hpp", "#include \"core/config/b.hpp\"\n"),
              ElementsAre(HasSubstr("core/util must not include core/config")));
}
TEST(Rooms, APluginARelativePathOrAnUnknownRoomIsAViolation) {
  EXPECT_THAT(of(rooms, "core/model/a.cpp", "#include \"plugins/heads/x/x.hpp\"\n"),
              ElementsAre(HasSubstr("plugins/heads/x/x.hpp")));
  EXPECT_THAT(of(rooms, "core/model/a.cpp", "#include \"../train/b.hpp\"\n"),
              ElementsAre(HasSubstr("../train/b.hpp")));
  EXPECT_THAT(of(rooms, "core/cellar/a.cpp", ""), ElementsAre(HasSubstr("'cellar'")));
}

TEST(Includes, OfTheSdkHoldInTheTree) { EXPECT_THAT(sdk_includes(tree()), IsEmpty()); }
TEST(Includes, OfTheSdkAreCheckedOneByOne) {
  const std::string path = "core/include/hilum/a.hpp";
  EXPECT_THAT(of(sdk_includes, path, "#include <torch/types.h>\n#include \"hilum/b.hpp\"\n"),
              IsEmpty());
  EXPECT_THAT(of(sdk_includes, path, "#include <fmt/core.h>\n"),
              ElementsAre(HasSubstr("fmt/core.h")));
  EXPECT_THAT(of(sdk_includes, path, "#include \"core/util/text.hpp\"\n"),
              ElementsAre(HasSubstr("core/util/text.hpp")));
}
TEST(Includes, OfPluginsHoldInTheTree) { EXPECT_THAT(plugin_includes(tree()), IsEmpty()); }
TEST(Includes, OfPluginsAreCheckedOneByOne) {
  const std::string path = "plugins/heads/a/a.cpp";
  EXPECT_THAT(of(plugin_includes, path,
                 "#include <hilum/nn.hpp>\n#include <torch/torch.h>\n#include <cmath>\n"
                 "#include \"own.hpp\"\n"),
              IsEmpty());
  EXPECT_THAT(of(plugin_includes, path, "#include \"core/model/model.hpp\"\n"),
              ElementsAre(HasSubstr("core/model/model.hpp")));
  EXPECT_THAT(of(plugin_includes, path, "#include \"../b/b.hpp\"\n"),
              ElementsAre(HasSubstr("../b/b.hpp")));
  EXPECT_THAT(of(plugin_includes, path, "#include <fmt/core.h>\n"),
              ElementsAre(HasSubstr("fmt/core.h")));
  EXPECT_THAT(of(plugin_includes, "plugins/heads/a/a_test.cpp", "#include <gtest/gtest.h>\n"),
              IsEmpty());
  const std::string opens = "#include <dlfcn.h>\n";
  EXPECT_THAT(of(plugin_includes, path, opens), ElementsAre(HasSubstr("dlfcn.h")));
  EXPECT_THAT(of(plugin_includes, "plugins/heads/kernels/library.cpp", opens), IsEmpty());
}

TEST(PluginNames, AreNotInTheCore) { EXPECT_THAT(plugin_names(tree()), IsEmpty()); }
TEST(PluginNames, AreFoundAsWholeStringsOnly) {
  const auto with = [](const std::string& code) {
    return plugin_names({{"plugins/heads/nodule/nodule.cpp", ""}, {"core/train/a.cpp", code}});
  };
  EXPECT_THAT(with("if (name == \"nodule\") f();\n"), ElementsAre(HasSubstr("'nodule'")));
  EXPECT_THAT(with("load(\"head/nodule\");\n"), ElementsAre(HasSubstr("'nodule'")));
  EXPECT_THAT(with("f(1);  // as \"nodule\" does\n"), IsEmpty());
  EXPECT_THAT(with("f(\"such as [\\\"head/nodule\\\"]\");\n"), IsEmpty());
  EXPECT_THAT(with("f(\"nodules\");\n"), IsEmpty());
  EXPECT_THAT(with("  .add(\"nodule\", &O::nodule, \"\")\n"), IsEmpty());
}

TEST(StaticConstructors, AreNotInPlugins) { EXPECT_THAT(static_constructors(tree()), IsEmpty()); }
TEST(StaticConstructors, AreFound) {
  const auto with = [](const std::string& code) {
    return of(static_constructors, "plugins/fusion/a/a.cpp", code);
  };
  EXPECT_THAT(with("TORCH_LIBRARY(a, m) {}\n"), ElementsAre(HasSubstr("registers with torch")));
  for (const char* object :
       {"static torch::Tensor kernel = torch::ones(3);\n",
        "const std::map<int, int> kTable{{1, 2}};\n", "std::string last;\n", "Tensor cache;\n"})
    EXPECT_THAT(with(object), ElementsAre(HasSubstr("constructed"))) << object;
  for (const char* fine : {"std::string name(int i) {\n", "constexpr int kSize = 3;\n",
                           "  std::vector<int> sizes = {1};\n", "using hilum::Tensor;\n"})
    EXPECT_THAT(with(fine), IsEmpty()) << fine;
}

TEST(Files, BeginWithTheLicence) { EXPECT_THAT(licences(tree()), IsEmpty()); }
TEST(Files, WithoutALicenceAreNamed) {
  EXPECT_THAT(of(licences, "core/util/a.cpp", "#include <map>\n"),
              ElementsAre(HasSubstr("core/util/a.cpp:1:")));
}
TEST(Files, AreShort) { EXPECT_THAT(lengths(tree()), IsEmpty()); }
TEST(Files, ThatAreLongAreNamed) {
  EXPECT_THAT(of(lengths, "core/util/a.cpp", std::string(400, '\n')), IsEmpty());
  EXPECT_THAT(of(lengths, "core/util/a.cpp", std::string(401, '\n')),
              ElementsAre(HasSubstr("401 lines")));
}
TEST(Files, NameNoMachine) { EXPECT_THAT(places(tree()), IsEmpty()); }
TEST(Files, ThatNameAMachineAreNamed) {
  for (const char* text : {"source = \"/home/ann/lidc\"\n", "see /root/x\n", "cd /mnt/data\n",
                           "pip -i https://pypi.org/simple\n"})
    EXPECT_THAT(of(places, "docs/a.md", text), ElementsAre(HasSubstr("docs/a.md:1:"))) << text;
  for (const char* text : {"\"$work/venv\"\n", "../work/a\n", "the workflow/home page\n"})
    EXPECT_THAT(of(places, "docs/a.md", text), IsEmpty()) << text;
}

}  // namespace
}  // namespace hilum::arrows
