// SPDX-License-Identifier: Apache-2.0
#include <torch/torch.h>

#include <cstdlib>

#include "channels_fixture.hpp"
#include "core/data/samples.hpp"
#include "core/util/files.hpp"

namespace hilum::data {
namespace {

const Grid kPlane{{2, 20, 24}, {2, 1, 1}};
fs::path only_file(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  EXPECT_EQ(files.size(), 1U);
  return files.at(0);
}

TEST(ChannelCache, KeepsWhatItMadeAndServesIt) {
  const Folder folder;
  const Cache cache(folder.path / "channels");
  const auto hu = hu_of(blobs(kPlane));
  const auto made = make_channel(hu, kPlane, rule_of("slic"), nullptr);
  EXPECT_EQ(make_channel(hu, kPlane, rule_of("slic"), &cache), made);
  const auto key = only_file(cache.folder()).stem().string();
  EXPECT_EQ(cache.find(key, hu.size()), made);
  EXPECT_EQ(cache.find(key, hu.size() - 1), std::nullopt);
  // Another image under the same key: it is what comes back, so nothing was computed.
  const std::vector<float> other(hu.size(), 0.5f);
  ASSERT_TRUE(cache.keep(key, other));
  EXPECT_EQ(make_channel(hu, kPlane, rule_of("slic"), &cache), other);
  make_channel(hu, kPlane, rule_of("slic+1"), &cache);  // the same image, moved
  make_channel(hu, kPlane, rule_of("ct"), &cache);      // costs nothing
  EXPECT_EQ(cache.size().files, 1);
}

TEST(ChannelCache, AnotherPixelOrParameterIsAnotherImage) {
  const Folder folder;
  const Cache cache(folder.path);
  const auto hu = hu_of(blobs(kPlane));
  int64_t files = 0;
  const auto expect_new = [&](const std::vector<float>& image, const Grid& grid,
                              const ChannelRule& rule, const std::string& what) {
    EXPECT_EQ(make_channel(image, grid, rule, &cache), make_channel(image, grid, rule, nullptr))
        << what;
    EXPECT_EQ(cache.size().files, ++files) << what;
  };
  const auto slic = rule_of("slic");
  expect_new(hu, kPlane, slic, "first");
  auto pixel = hu;
  pixel[77] += 1;
  expect_new(pixel, kPlane, slic, "pixel");
  for (const auto* name : {"otsu", "otsu3", "otsu[-900,400]", "slic[-1000,300]"})
    expect_new(hu, kPlane, rule_of(name), name);
  auto rule = slic;
  rule.slic.grid = 5, expect_new(hu, kPlane, rule, "grid");
  rule = slic, rule.slic.compactness = 0.06, expect_new(hu, kPlane, rule, "compactness");
  rule = slic, rule.slic.iterations = 9, expect_new(hu, kPlane, rule, "iterations");
  rule = slic, rule.planes = false, expect_new(hu, kPlane, rule, "volume");
  expect_new(hu, {kPlane.size, {3, 1, 1}}, slic, "spacing");
  expect_new(hu, {{2, 24, 20}, kPlane.spacing}, slic, "size");
}

TEST(ChannelCache, ABrokenOrForeignFileIsMadeAgain) {
  const Folder folder;
  const Cache cache(folder.path);
  const auto hu = hu_of(blobs(kPlane));
  const auto made = make_channel(hu, kPlane, rule_of("slic"), &cache);
  const auto file = only_file(folder.path);
  const std::string whole = util::read_file(file);
  Strings broken = {"", "foreign", whole.substr(0, whole.size() / 2), whole.substr(0, 20),
                    whole + "more"};
  for (const size_t at :
       {size_t{0}, size_t{30}, size_t{100}, size_t{150}, whole.size() / 2, whole.size() - 1}) {
    broken.push_back(whole);
    broken.back()[at] ^= 0x20;
  }
  const Cache other(folder.path / "other");  // whole, but of another image
  make_channel(std::vector<float>(hu.size(), 40), kPlane, rule_of("slic"), &other);
  broken.push_back(util::read_file(only_file(other.folder())));
  for (size_t i = 0; i < broken.size(); ++i) {
    std::ofstream(file, std::ios::binary) << broken[i];
    EXPECT_EQ(make_channel(hu, kPlane, rule_of("slic"), &cache), made) << i;
    EXPECT_EQ(cache.find(file.stem().string(), hu.size()), made) << "not rewritten: " << i;
  }
}

TEST(ChannelCache, AFolderThatTakesNothingIsNoError) {
  const Folder folder;
  const Cache cache(folder.write("file", "no folder"));
  const auto hu = hu_of(blobs(kPlane));
  EXPECT_EQ(make_channel(hu, kPlane, rule_of("otsu"), &cache),
            make_channel(hu, kPlane, rule_of("otsu"), nullptr));
  EXPECT_FALSE(cache.keep(std::string(64, 'a'), hu));
  EXPECT_EQ(cache.size().files, 0);
}

TEST(ChannelCache, ClearTakesItsOwnFilesOnly) {
  const Folder folder;
  const Cache cache(folder.path);
  make_channel(hu_of(blobs(kPlane)), kPlane, rule_of("otsu"), &cache);
  folder.write("mine.txt", "x"), folder.write("abc.channel", "x");
  EXPECT_GT(cache.size().bytes, 100);
  EXPECT_EQ(cache.clear().files, 1);
  EXPECT_EQ(cache.size().files, 0);
  EXPECT_TRUE(fs::exists(folder.path / "mine.txt") && fs::exists(folder.path / "abc.channel"));
}

TEST(ChannelCache, IsUsedForARoiSetAndNotForPhantoms) {
  const Folder folder;
  setenv("HILUM_CACHE", folder.path.c_str(), 1);
  const auto set = three_slices();
  auto o = options_of({"otsu", "slic"});
  const auto image = [&] {
    const Sampler sampler(set, {0}, o, 0, false);
    return sampler.load(sampler.epoch(0), 0, 0).values.at("image");
  };
  const auto direct = image();
  const Cache cache(folder.path / "channels");
  EXPECT_EQ(cache.size().files, 0);
  o.source = "some/set";
  EXPECT_TRUE(image().equal(direct));
  EXPECT_EQ(cache.size().files, 2);
  EXPECT_TRUE(image().equal(direct));
  unsetenv("HILUM_CACHE");
}

}  // namespace
}  // namespace hilum::data
