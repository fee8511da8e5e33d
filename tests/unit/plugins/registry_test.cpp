// SPDX-License-Identifier: Apache-2.0
#include "core/plugins/registry.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "core/plugins/lookup.hpp"

namespace hilum::plugins {
namespace {
namespace fs = std::filesystem;
using testing::HasSubstr;

class Registry : public testing::Test {
 protected:
  Registry() {
    std::string name = (fs::temp_directory_path() / "hilum_registry_XXXXXX").string();
    root = mkdtemp(name.data());
  }
  ~Registry() override { fs::remove_all(root); }
  fs::path write(const std::string& text, const std::string& name = "registry.toml") {
    fs::create_directories((root / name).parent_path());
    std::ofstream(root / name) << text;
    return root / name;
  }
  std::string refusal(const std::string& text) {
    try {
      (void)read_registry(write(text));
    } catch (const Error& e) {
      EXPECT_EQ(e.fault, Fault::plugin);
      return e.what();
    }
    ADD_FAILURE() << "accepted: " << text;
    return "";
  }
  Search only(std::vector<fs::path> path) {
    Search search;
    search.path = std::move(path);
    return search;
  }
  fs::path root;
};

TEST_F(Registry, MapsNamesToLibrariesBesideIt) {
  const auto entries = read_registry(
      write("[\"backbone/unet\"]\nlibrary = \"backbone_unet.so\"\n[\"fusion/sum-2\"]\nlibrary = "
            "\"../x/fusion_sum-2.so\"\n"));
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].address(), "backbone/unet");
  EXPECT_EQ(entries[0].library, root / "backbone_unet.so");
  EXPECT_EQ(entries[1].library, root.parent_path() / "x" / "fusion_sum-2.so");
  EXPECT_EQ(entries[1].listed, (root / "registry.toml").string() + ":3:2");
}

TEST_F(Registry, SaysWhereAndWhatIsWrong) {
  const std::string file = (root / "registry.toml").string();
  EXPECT_THAT(
      refusal("[\"backbone/unet\"]\nlibary = \"a.so\"\n"),
      HasSubstr(file + ":2:1: 'backbone/unet': unknown key 'libary'. Did you mean 'library'?"));
  EXPECT_THAT(refusal("[\"backbon/unet\"]\nlibrary = \"a.so\"\n"),
              HasSubstr("unknown kind 'backbon'. Did you mean 'backbone'?"));
  EXPECT_THAT(refusal("[unet]\nlibrary = \"a.so\"\n"), HasSubstr("not of the form \"kind/name\""));
  EXPECT_THAT(refusal("[\"head/a b\"]\nlibrary = \"a.so\"\n"),
              HasSubstr("'a b' cannot be a plugin's name"));
  EXPECT_THAT(refusal("[\"head/a\"]\n"), HasSubstr("'head/a' has no library = "));
  EXPECT_THAT(refusal("[\"head/a\"]\nlibrary = 3\n"), HasSubstr("'head/a' has no library = "));
  EXPECT_THAT(refusal("\"head/a\" = \"a.so\"\n"),
              HasSubstr("wanted a table with library = \"head_a.so\""));
  EXPECT_THAT(refusal("[\"head/a\"\nlibrary = \"a.so\"\n"), HasSubstr(file + ":1:"));
  EXPECT_THAT(refusal("[\"head/a\"]\nlibrary = \"a.so\"\n[\"head/a\"]\nlibrary = \"b.so\"\n"),
              HasSubstr(file + ":3:"));
}

TEST_F(Registry, AFolderWithoutOneIsReadByFileNames) {
  for (const char* name :
       {"p/backbone_a.so", "p/head_b_c.so", "p/libx.so", "p/head_.so", "p/fusion_d.txt"})
    write("", name);
  auto entries = Catalog(only({root / "p"})).entries();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].address(), "backbone/a");
  EXPECT_EQ(entries[1].address(), "head/b_c");
  write("[\"head/b_c\"]\nlibrary = \"head_b_c.so\"\n", "p/registry.toml");
  entries = Catalog(only({root / "p"})).entries();
  ASSERT_EQ(entries.size(), 1u) << "the registry is what counts";
  EXPECT_EQ(entries[0].address(), "head/b_c");
}

TEST_F(Registry, OneLibraryFoundTwoWaysIsOnePlugin) {
  write("", "p/backbone_a.so");
  fs::create_directory_symlink(root / "p", root / "q");
  const Catalog catalog(only({root / "p", root / "q", root / "p" / "."}));
  EXPECT_EQ(catalog.entries().size(), 1u);
  EXPECT_NO_THROW((void)catalog.find("backbone", "a"));
}

TEST_F(Registry, AnUnknownNameComesWithNamesKindsAndPlaces) {
  write("", "p/backbone_unet.so"), write("", "p/head_std.so");
  write("nonsense", "q/registry.toml");
  const Catalog catalog(only({root / "p", root / "q", root / "none"}));
  const auto refused = [&](const std::string& kind, const std::string& name) -> std::string {
    try {
      (void)catalog.find(kind, name);
    } catch (const Error& e) {
      EXPECT_EQ(e.fault, Fault::request);
      return e.what();
    }
    return "found";
  };
  const auto text = refused("backbone", "unett");
  EXPECT_THAT(text, HasSubstr("no backbone named 'unett'. Did you mean 'unet'? Known: unet."));
  EXPECT_THAT(text, HasSubstr("Looked in: " + (root / "p").string() + ", "));
  EXPECT_THAT(text, HasSubstr((root / "q" / "registry.toml").string() + ":1:"));
  EXPECT_THAT(text, HasSubstr((root / "none").string() + " (does not exist)"));
  EXPECT_THAT(refused("regularizer", "std"), HasSubstr("There is a head of that name."));
  EXPECT_THAT(refused("heads", "std"),
              HasSubstr("no kind of plugin is named 'heads'. Did you mean 'head'?"));
}

TEST_F(Registry, OfAnExperimentMustBeThereAndIsRelativeToIt) {
  write("", "mine/backbone_a.so");
  const auto experiment = root / "exp.toml";
  config::PluginOptions options;
  options.registries = {"mine"};
  EXPECT_EQ(search_for(options, experiment).registries.front(), root / "mine");
  EXPECT_NO_THROW((void)Catalog(search_for(options, experiment)).find("backbone", "a"));
  options.registries = {"yours"};
  try {
    (void)declaration_lookup(options, experiment);
    FAIL() << "a registry that is not there was accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.fault, Fault::request);
    EXPECT_THAT(e.what(), HasSubstr((root / "yours").string()));
  }
}

TEST_F(Registry, PlacesComeFromTheEnvironment) {
  setenv("HILUM_PLUGIN_PATH", "/a::/b/../c", 1);
  setenv("HILUM_CACHE", "/cache", 1);
  const Search search = Search::standard();
  EXPECT_THAT(search.path, testing::ElementsAre("/a", "/c"));
  EXPECT_EQ(search.cache, "/cache/plugins");
  EXPECT_EQ(search.own, fs::path(HILUM_BINARY_DIR) / "plugins");
  unsetenv("HILUM_PLUGIN_PATH"), unsetenv("HILUM_CACHE");
}

}  // namespace
}  // namespace hilum::plugins
