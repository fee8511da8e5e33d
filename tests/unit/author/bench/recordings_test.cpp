// SPDX-License-Identifier: Apache-2.0
// The run store's side: a recording comes back as it went in.
#include <SQLiteCpp/SQLiteCpp.h>

#include "core/author/bench/cases.hpp"
#include "core/author/bench/print.hpp"
#include "core/runs/queries.hpp"
#include "core/util/files.hpp"
#include "fixture.hpp"

namespace hilum::bench {
namespace {
using ::testing::HasSubstr;

class Recordings : public InFolder {
 protected:
  runs::Recording add(const std::string& plugin = "gated") {
    auto recording = some_recording(plugin);
    runs::record(recording, folder);
    return recording;
  }
  void execute(const std::string& sql) {
    SQLite::Database(folder / "hilum.db", SQLite::OPEN_READWRITE, 5000).exec(sql);
  }
};

TEST_F(Recordings, ComeBack) {
  const auto one = add();
  EXPECT_EQ(one.id.size(), 26u);
  const auto back = runs::find_recording(one.id, folder);
  EXPECT_EQ(back.id, one.id);
  EXPECT_EQ(back.created, one.created);
  EXPECT_EQ(back.address(), "fusion/gated");
  EXPECT_EQ(back.version, "1.0");
  EXPECT_EQ(back.sha256, one.sha256);
  EXPECT_EQ(back.build, "sdk 2");
  EXPECT_EQ(back.host, "node1");
  EXPECT_EQ(back.device, "cpu: Some CPU");
  EXPECT_EQ(back.threads, 2);
  EXPECT_EQ(back.torch, "2.11.0");
  EXPECT_EQ(back.git, "0123abc");
  EXPECT_EQ(back.tag, "before");
  ASSERT_EQ(back.timings.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(back.timings[i].name, one.timings[i].name);
    EXPECT_EQ(back.timings[i].options, one.timings[i].options);
    EXPECT_EQ(back.timings[i].samples, one.timings[i].samples) << "bit for bit";
    EXPECT_EQ(back.timings[i].median, one.timings[i].median);
    EXPECT_EQ(back.timings[i].low, one.timings[i].low);
    EXPECT_EQ(back.timings[i].high, one.timings[i].high);
  }
}

TEST_F(Recordings, AreListedNewestFirstAndByPlugin) {
  const auto a = add(), b = add("other"), c = add();
  const auto all = runs::recordings("", folder);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].id, c.id);
  EXPECT_EQ(all[2].id, a.id);
  const auto gated = runs::recordings("fusion/gated", folder);
  ASSERT_EQ(gated.size(), 2u);
  EXPECT_EQ(gated[0].id, c.id);
  EXPECT_EQ(gated[1].id, a.id);
  EXPECT_TRUE(runs::recordings("head/gated", folder).empty());
  const auto text = print(all);
  for (const auto& words : {b.id, std::string("fusion/other"), std::string("aaaaaaaaaaaa  32x32  "),
                            std::string("before")})
    EXPECT_THAT(text, HasSubstr(words));
}

TEST_F(Recordings, AreFoundByAUniqueStart) {
  const auto a = add(), b = add();
  EXPECT_EQ(runs::find_recording(a.id.substr(0, 25), folder).id, a.id);
  std::string small = b.id;
  for (char& c : small) c = static_cast<char>(std::tolower(c));
  EXPECT_EQ(runs::find_recording(small, folder).id, b.id);
  const auto many = message_of([&] { runs::find_recording(a.id.substr(0, 4), folder); });
  EXPECT_THAT(many, HasSubstr("is the start of 2 ids:\n  " + b.id));
  EXPECT_THAT(message_of([&] { runs::find_recording("7ZZZ", folder); }),
              HasSubstr("no recording '7ZZZ' in " + folder.string()));
}

TEST_F(Recordings, AreNeverHalfThere) {
  auto twice = some_recording();
  twice.timings[1].name = twice.timings[0].name;  // refused by the table after the first row
  message_of([&] { runs::record(twice, folder); }, Fault::work);
  EXPECT_TRUE(runs::recordings("", folder).empty());
}

TEST_F(Recordings, WithoutAStoreThereAreNoneAndNoneIsMade) {
  const auto nowhere = folder / "none";
  EXPECT_TRUE(runs::recordings("", nowhere).empty());
  EXPECT_THAT(message_of([&] { runs::find_recording("01", nowhere); }), HasSubstr("--record"));
  EXPECT_FALSE(std::filesystem::exists(nowhere));
}

TEST_F(Recordings, BrokenSamplesAreNamed) {
  const auto one = add();
  execute("UPDATE benchmark SET samples = 'x' WHERE name = '32x32/forward'");
  EXPECT_THAT(message_of([&] { runs::recordings("", folder); }, Fault::data),
              HasSubstr("benchmark " + one.id + ", '32x32/forward': samples are no JSON list"));
}

// docs/bench.md: its file of cases is one, and its query gives the recordings.
TEST_F(Recordings, ThePageSaysTheTruth) {
  const auto page = util::read_file(HILUM_SOURCE_DIR "/docs/bench.md");
  const auto block = [&](const std::string& language) {
    const auto begin = page.find("```" + language + "\n") + language.size() + 4;
    return page.substr(begin, page.find("```", begin) - begin);
  };
  Declaration fusion;
  fusion.kind = "fusion";
  const auto cases = read_cases(write("c.toml", block("toml")), fusion, {});
  ASSERT_EQ(cases.size(), 2u);
  EXPECT_TRUE(cases[1].options.contains("per_channel"));
  add(), add("other"), add();
  const auto answer = runs::Reader(folder).sql(block("sql"));
  ASSERT_EQ(answer.rows.size(), 2u);
  EXPECT_EQ(*answer.rows[0].at(2).text, "1.002");
}

}  // namespace
}  // namespace hilum::bench
