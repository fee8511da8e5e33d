// SPDX-License-Identifier: Apache-2.0
// The real programs: hilum plugins list|info|check over bad libraries.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tests/bad_plugins/places.hpp"

namespace hilum::plugins {
namespace {
using testing::HasSubstr;

struct Outcome {
  int code;
  std::string text;
};

class Program : public Places {
 protected:
  // With the bad folders on HILUM_PLUGIN_PATH and a cache of the test's own.
  Outcome hilum(const std::string& words, const Strings& folders, const char* streams = " 2>&1") {
    const std::string command = "HILUM_CACHE=" + (root / "cache").string() +
                                " HILUM_PLUGIN_PATH=" + join(folders, ":") +
                                " " HILUM_PROGRAM " plugins " + words + streams;
    Outcome outcome;
    std::FILE* pipe = popen(command.c_str(), "r");
    std::array<char, 4096> buffer;
    while (const size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe))
      outcome.text.append(buffer.data(), n);
    outcome.code = WEXITSTATUS(pclose(pipe));
    return outcome;
  }
};

TEST_F(Program, ListsBrokenPluginsLastAndSucceeds) {
  const auto here = folder("p", {"good", "crashes", "exits", "wrong_torch"}).string();
  const auto list = hilum("list", {here});
  EXPECT_EQ(list.code, 0) << list.text;
  EXPECT_THAT(list.text, HasSubstr("Broken ("));
  EXPECT_LT(list.text.find("a good one"), list.text.find("Broken ("));
  EXPECT_THAT(list.text,
              HasSubstr("backbone/crashes: crashed with signal 11 (SIGSEGV) while being loaded"));
  EXPECT_THAT(list.text, HasSubstr("backbone/exits: called exit(3) while being loaded"));
  EXPECT_THAT(list.text, HasSubstr("torch 0.4.1"));

  const auto start = std::chrono::steady_clock::now();
  const auto json =
      nlohmann::json::parse(hilum("list --json --kind backbone", {here}, " 2>/dev/null").text);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(500))
      << "from the cache";
  size_t broken = 0;
  for (const auto& plugin : json)
    broken += plugin.at("status") == "broken" && !plugin.at("built_in");
  EXPECT_EQ(broken, 3u);
}

TEST_F(Program, ChecksWithExitCode4ForAWrongPlugin) {
  const auto here = folder("p", {"good", "crashes"}).string();
  const auto wrong = hilum("check backbone/crashes", {here});
  EXPECT_EQ(wrong.code, 4) << wrong.text;
  EXPECT_THAT(wrong.text, HasSubstr("crashed with signal 11 (SIGSEGV)"));
  EXPECT_EQ(hilum("check --quick good", {here}).code, 0);
  EXPECT_EQ(hilum("check " HILUM_BAD_DIR "/backbone_throws.so", {}).code, 4);
  EXPECT_EQ(hilum("check --quick " HILUM_BAD_DIR "/backbone_good.so", {}).code, 0);
  EXPECT_EQ(hilum("check " HILUM_BAD_DIR "/backbone_good.so", {}).code, 4) << "it adds no stage";
  EXPECT_EQ(hilum("check some/file.so", {}).code, 2);
}

TEST_F(Program, InfoShowsEveryOption) {
  const auto here = folder("p", {"good"}).string();
  const auto info = hilum("info good", {here});
  EXPECT_EQ(info.code, 0) << info.text;
  for (const char* words : {"backbone/good 1.2", "A. Author 2020", "width", "[1, 64]",
                            "channels of the first stage", "one of 'sum', 'gate'", "sha256:"})
    EXPECT_THAT(info.text, HasSubstr(words));
  const auto json =
      nlohmann::json::parse(hilum("info backbone/good --json", {here}, " 2>/dev/null").text);
  EXPECT_EQ(json.at("parameters").size(), 5u);
  EXPECT_EQ(json.at("parameters")[0].at("default"), 8);
  const auto unknown = hilum("info godo", {here});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.text, HasSubstr("Did you mean 'backbone/good'?"));
}

}  // namespace
}  // namespace hilum::plugins
