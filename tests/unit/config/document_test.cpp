// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample.hpp"

namespace {
using hilum::Data;
using hilum::Strings;
using hilum::config::Document;
using hilum::config::Node;
using namespace hilum::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Strings keys(const Node& node) {
  Strings list;
  for (const auto& child : node.children) list.push_back(child.key);
  return list;
}

std::string load_error(const std::filesystem::path& file) {
  try {
    Document::load(file, {});
    return "";
  } catch (const hilum::Error& error) {
    EXPECT_EQ(error.fault, hilum::Fault::request);
    return error.what();
  }
}

TEST(Document, KeepsTheOrderOfTheFile) {
  const Folder folder;
  const auto file =
      folder.write("e.toml", "[z]\nb = 1\na = 2\n[fusion.y]\nk = 1\n[a]\n[fusion.x]\nk = 2\n");
  const auto document = Document::load(file, {});
  EXPECT_THAT(keys(document.root), ElementsAre("z", "fusion", "a"));
  EXPECT_THAT(keys(*document.root.find("z")), ElementsAre("b", "a"));
  EXPECT_THAT(keys(*document.root.find("fusion")), ElementsAre("y", "x"));
}

TEST(Document, PositionsPointAtTheKeyAndNameTheFileAsGiven) {
  const Folder folder;
  folder.write("sub/e.toml", "[a]\n  b = 1\n[c.d]\ne.f = 2\n");
  const auto document = Document::load("sub/e.toml", {});
  EXPECT_EQ(document.root.find("a")->where, "sub/e.toml:1:2");
  EXPECT_EQ(document.root.find("a")->find("b")->where, "sub/e.toml:2:3");
  EXPECT_EQ(document.root.find("c")->find("d")->where, "sub/e.toml:3:4");
  EXPECT_EQ(document.root.find("c")->find("d")->find("e")->find("f")->where, "sub/e.toml:4:3");
}

TEST(Document, HoldsEveryKindOfValue) {
  const Folder folder;
  const auto file = folder.write("e.toml",
                                 "b = true\ni = 3\nf = 0.5\ns = 'x'\nil = [1, 2]\nfl = [1, 2.5]\n"
                                 "sl = ['a']\nll = [['a', 'b'], []]\ne = []\nt = { k = 1 }\n");
  const auto root = Document::load(file, {}).root;
  const auto at = [&](const char* key) { return *root.find(key)->data; };
  EXPECT_EQ(at("b"), Data(true));
  EXPECT_EQ(at("i"), Data(int64_t{3}));
  EXPECT_EQ(at("f"), Data(0.5));
  EXPECT_EQ(at("s"), Data(std::string("x")));
  EXPECT_EQ(at("il"), Data(std::vector<int64_t>{1, 2}));
  EXPECT_EQ(at("fl"), Data(std::vector<double>{1, 2.5}));
  EXPECT_EQ(at("sl"), Data(Strings{"a"}));
  EXPECT_EQ(at("ll"), Data(std::vector<Strings>{{"a", "b"}, {}}));
  EXPECT_EQ(at("e"), Data(Strings{}));
  EXPECT_EQ(*root.find("t")->find("k")->data, Data(int64_t{1}));
}

TEST(Document, SyntaxErrorsNameFileLineAndColumn) {
  const Folder folder;
  EXPECT_THAT(load_error(folder.write("e.toml", "[a]\nb = \n")), StartsWith("e.toml:2:"));
  EXPECT_THAT(load_error(folder.write("e.toml", "[a]\nb = 1\nb = 2\n")), StartsWith("e.toml:3:"));
  EXPECT_THAT(load_error(folder.write("e.toml", "a = [1, 'x']\n")),
              StartsWith("e.toml:1:5: a list holds"));
  EXPECT_THAT(load_error(folder.write("e.toml", "a = 2020-01-01\n")), HasSubstr("dates"));
  EXPECT_THAT(load_error(folder.write("e.toml", "[[a]]\nb = 1\n")), StartsWith("e.toml:1:"));
}

TEST(Document, AMissingFileNamesASimilarOne) {
  const Folder folder;
  folder.write("sub/unet.toml", "");
  EXPECT_EQ(load_error("sub/unte.toml"),
            "sub/unte.toml: there is no such experiment file. Did you mean 'sub/unet.toml'?");
  EXPECT_THAT(load_error("sub"), HasSubstr("no such experiment file"));
}

TEST(Extends, LaterWinsTablesMergeListsReplace) {
  const Folder folder;
  folder.write("base.toml", "[train]\nlr = 1\nepochs = 2\nfreeze = ['a', 'b']\n[data]\nfold = 1\n");
  folder.write("more.toml", "[train]\nlr = 2\nbatch = 3\n");
  folder.write("sub/e.toml",
               "extends = ['../base.toml', '../more.toml']\n[train]\nepochs = 9\nfreeze = ['c']\n");
  const auto root = Document::load("sub/e.toml", {}).root;
  const auto* train = root.find("train");
  EXPECT_EQ(root.find("extends"), nullptr);
  EXPECT_EQ(*train->find("lr")->data, Data(int64_t{2}));
  EXPECT_EQ(train->find("lr")->where, "more.toml:2:1");
  EXPECT_EQ(*train->find("epochs")->data, Data(int64_t{9}));
  EXPECT_EQ(*train->find("batch")->data, Data(int64_t{3}));
  EXPECT_EQ(*train->find("freeze")->data, Data(Strings{"c"}));
  EXPECT_EQ(*root.find("data")->find("fold")->data, Data(int64_t{1}));
}

TEST(Extends, ABaseMayBeNamedTwiceButNotInACircle) {
  const Folder folder;
  folder.write("base.toml", "[train]\nlr = 1\n");
  folder.write("a.toml", "extends = 'base.toml'\n");
  folder.write("b.toml", "extends = ['a.toml', 'base.toml']\n");
  EXPECT_EQ(load_error("b.toml"), "");
  folder.write("base.toml", "# a comment\nextends = 'b.toml'\n");
  EXPECT_THAT(load_error("b.toml"),
              StartsWith("base.toml:2:1: 'extends' names 'b.toml', which closes a circle: "
                         "b.toml -> a.toml -> base.toml -> b.toml."));
}

TEST(Extends, AMissingBaseNamesTheChainAndASimilarFile) {
  const Folder folder;
  folder.write("base.toml", "extends = 'nothing_like_it.toml'\n");
  folder.write("e.toml", "extends = 'base.toml'\n");
  EXPECT_THAT(
      load_error("e.toml"),
      StartsWith("base.toml:1:1: 'extends' names 'nothing_like_it.toml', which is not a file: "
                 "e.toml -> base.toml -> nothing_like_it.toml."));
  folder.write("e.toml", "extends = 'bse.toml'\n");
  EXPECT_THAT(load_error("e.toml"), HasSubstr("Did you mean 'base.toml'?"));
  folder.write("e.toml", "extends = 3\n");
  EXPECT_THAT(load_error("e.toml"), StartsWith("e.toml:1:1: 'extends' must be"));
}

TEST(Paths, AreRelativeToTheFileThatSaysThem) {
  const Folder folder;
  folder.write("base/base.toml",
               "[plugins]\nregistries = ['plug']\n[data]\nsource = '../set'\nfolds = 'f.csv'\n"
               "[train]\ninit = 'experiment:pre.toml'\n[backbone.a]\ninit = 'w.pt'\n"
               "[head.m]\ninit = 'run:01J'\n");
  folder.write("e.toml", "extends = 'base/base.toml'\n");
  const auto root = Document::load("e.toml", {}).root;
  const auto text = [&](const char* table, const char* key) {
    return hilum::to_text(*root.find(table)->find(key)->data);
  };
  const auto in = [&](const std::string& name) { return (folder.path() / name).string(); };
  EXPECT_EQ(text("data", "source"), "\"" + in("set") + "\"");
  EXPECT_EQ(text("data", "folds"), "\"" + in("base/f.csv") + "\"");
  EXPECT_EQ(text("plugins", "registries"), "[\"" + in("base/plug") + "\"]");
  EXPECT_EQ(text("train", "init"), "\"experiment:" + in("base/pre.toml") + "\"");
  EXPECT_EQ(*root.find("backbone")->find("a")->find("init")->data, Data(in("base/w.pt")));
  EXPECT_EQ(*root.find("head")->find("m")->find("init")->data, Data(std::string("run:01J")));
}

TEST(Paths, AreRelativeToTheWorkingDirectoryOnTheCommandLine) {
  const Folder folder;
  folder.write("sub/e.toml", "[data]\nsource = 'phantom'\n");
  const auto source = [&](const Strings& overrides) {
    const auto document = Document::load("sub/e.toml", overrides);
    return std::get<std::string>(*document.root.find("data")->find("source")->data);
  };
  EXPECT_EQ(source({}), "phantom");
  EXPECT_EQ(source({"data.source=../set"}), (folder.path().parent_path() / "set").string());
  EXPECT_EQ(source({"data.source=set"}), (folder.path() / "set").string());
  EXPECT_EQ(source({"data.source=phantom"}), "phantom");
}

}  // namespace
