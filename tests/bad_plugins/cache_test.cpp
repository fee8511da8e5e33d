// SPDX-License-Identifier: Apache-2.0
// Descriptions are cached by the library's content; losing or damaging the cache only costs time.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "core/plugins/stamp.hpp"
#include "tests/bad_plugins/places.hpp"

namespace hilum::plugins {
namespace {
namespace fs = std::filesystem;

// An engine that notes each start beside the real one's work.
class CacheTest : public Places {
 protected:
  Search counting(const fs::path& plugins) {
    const fs::path script = root / "engine";
    std::ofstream(script) << "#!/bin/sh\necho x >> " << (root / "starts").string()
                          << "\nexec " HILUM_DESCRIBER << " \"$@\"\n";
    chmod(script.c_str(), 0755);
    auto s = search({plugins});
    s.engine = script;
    return s;
  }
  size_t starts() { return text_of(root / "starts").size() / 2; }
  Description look(const fs::path& plugins, const std::string& name) {
    Catalog catalog(counting(plugins));
    for (auto& d : catalog.describe(catalog.entries()))
      if (d.entry.name == name) return d;
    throw std::out_of_range(name);
  }
  fs::path cache_file() { return root / "cache" / (this_stamp() + ".json"); }
};

TEST_F(CacheTest, AnUnchangedLibraryIsLookedAtOnce) {
  const auto plugins = folder("p", {"good", "prints"});
  const auto first = look(plugins, "good"), second = look(plugins, "good");
  EXPECT_EQ(starts(), 1u) << "one child for both libraries, none for what is cached";
  ASSERT_EQ(second.declaration.parameters.size(), 5u);
  for (size_t i = 0; i < 5; ++i) {
    const auto &a = first.declaration.parameters[i], &b = second.declaration.parameters[i];
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.fallback, b.fallback) << a.name;
    EXPECT_EQ(allowed(a), allowed(b)) << a.name;
    EXPECT_EQ(a.help + a.unit, b.help + b.unit);
  }
  EXPECT_EQ(second.declaration.source, "A. Author 2020");
}

TEST_F(CacheTest, AChangedLibraryIsLookedAtAgainAndAMovedOneIsNot) {
  const auto plugins = folder("p", {"good"});
  EXPECT_FALSE(look(plugins, "good").failure);
  fs::copy_file(fs::path(HILUM_BAD_DIR) / "backbone_throws.so", plugins / "backbone_good.so",
                fs::copy_options::overwrite_existing);
  EXPECT_TRUE(look(plugins, "good").failure);
  EXPECT_EQ(starts(), 2u);
  const auto moved = folder("q", {"good"});
  fs::copy_file(plugins / "backbone_good.so", moved / "backbone_good.so",
                fs::copy_options::overwrite_existing);
  EXPECT_TRUE(look(moved, "good").failure);
  EXPECT_EQ(starts(), 2u) << "the same bytes elsewhere";
}

TEST_F(CacheTest, AFailureIsCachedForListsAndTriedAgainForWhoAsks) {
  const auto plugins = folder("p", {"crashes"});
  EXPECT_TRUE(look(plugins, "crashes").failure);
  EXPECT_TRUE(look(plugins, "crashes").failure);
  EXPECT_EQ(starts(), 1u);
  Catalog catalog(counting(plugins));
  EXPECT_TRUE(catalog.describe(catalog.find("backbone", "crashes")).failure);
  EXPECT_EQ(starts(), 2u);
}

TEST_F(CacheTest, ADamagedOrUnwritableCacheOnlyCostsTime) {
  const auto plugins = folder("p", {"good"});
  EXPECT_FALSE(look(plugins, "good").failure);
  for (const char* damage :
       {"", "{\"format\": 1", "{\"format\": 1, \"files\": [], \"libraries\": 3}", "[1]"}) {
    std::ofstream(cache_file()) << damage;
    EXPECT_FALSE(look(plugins, "good").failure) << damage;
  }
  EXPECT_EQ(starts(), 5u);
  fs::remove_all(root / "cache");
  std::ofstream(root / "cache") << "a file where the folder should be";
  EXPECT_FALSE(look(plugins, "good").failure);
  EXPECT_FALSE(look(plugins, "good").failure);
  EXPECT_EQ(starts(), 7u);
}

TEST_F(CacheTest, ForgetsLibrariesThatAreGone) {
  const auto plugins = folder("p", {"good", "prints"});
  (void)look(plugins, "good");
  EXPECT_THAT(text_of(cache_file()), testing::HasSubstr("backbone_prints.so"));
  fs::remove(plugins / "backbone_prints.so");
  fs::last_write_time(plugins / "backbone_good.so", fs::file_time_type::clock::now());
  (void)look(plugins, "good");
  EXPECT_THAT(text_of(cache_file()), testing::Not(testing::HasSubstr("prints")));
  EXPECT_EQ(starts(), 1u) << "touched, but the same bytes";
}

}  // namespace
}  // namespace hilum::plugins
