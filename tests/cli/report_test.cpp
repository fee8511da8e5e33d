// SPDX-License-Identifier: Apache-2.0
// hilum report: two runs as one file.
#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;
using ::testing::Not;

class Report : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    bench = new Bench;
    for (const char* lr : {"train.lr=1e-3", "train.lr=5e-3"}) {
      const auto run = bench->hilum(Strings{"run", kQuickstart, lr, "--json"} + kTiny);
      ASSERT_EQ(run.code, 0) << run.all();
      ids.push_back(nlohmann::json::parse(run.out).at("id").get<std::string>());
    }
  }
  static void TearDownTestSuite() { delete bench; }

  // What a browser made of the page, and its console's messages.
  static std::pair<std::string, Strings> opened(const fs::path& page) {
    Process browser({kBrowser, "--headless", "--no-sandbox", "--disable-gpu",
                     "--user-data-dir=" + (bench->root / "profile").string(),
                     "--enable-logging=stderr", "--dump-dom", "file://" + page.string()},
                    {}, bench->root / "browser");
    const auto outcome = browser.wait(60);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    Strings console;
    for (const auto& line : lines_of(outcome.err))
      if (line.find("CONSOLE") != std::string::npos) console.push_back(line);
    return {outcome.out, console};
  }

  inline static const std::string kBrowser = "/usr/bin/chromium";
  inline static Bench* bench = nullptr;
  inline static Strings ids;
};

TEST_F(Report, TwoRunsAreOneFileWithCurvesCasesAndNodules) {
  const auto outcome = bench->hilum({"report", ids[0], ids[1], "--html", "page.html"});
  ASSERT_EQ(outcome.code, 0) << outcome.all();
  EXPECT_THAT(outcome.out, HasSubstr("page.html: 2 runs, "));
  const auto html = text_of(bench->root / "page.html");
  EXPECT_LT(html.size(), 5'000'000U);
  for (const char* part : {"<b>Phantoms.</b>", "<h2>Curves</h2>", "<h2>Cases</h2>",
                           "data:image/png;base64,", "<code>train.lr</code>", "Worst cases of"})
    EXPECT_THAT(html, HasSubstr(part));
  EXPECT_THAT(html, Not(HasSubstr("The data have changed"))) << "its own phantoms, made again";
}

TEST_F(Report, ABrowserHasNothingToSayAndAsksNobody) {
  if (!fs::exists(kBrowser)) GTEST_SKIP() << "there is no " << kBrowser << " here to open it with";
  ASSERT_EQ(bench->hilum({"report", ids[0], ids[1], "--html", "page.html"}).code, 0);
  const auto page = text_of(bench->root / "page.html");
  const auto with = [&](const std::string& more) {
    write(bench->root / "more.html", page + more);
    return opened(bench->root / "more.html");
  };
  const auto [dom, console] =
      with("<script>document.querySelector('#dice table.sort button').click()</script>");
  EXPECT_THAT(console, ::testing::IsEmpty());
  EXPECT_THAT(dom, HasSubstr("aria-sort=\"ascending\"")) << "a heading sorts";
  // The policy that keeps the page's own requests at none also names those that are added.
  const auto refused = with("<img src='http://127.0.0.1:9/x.png'>").second;
  ASSERT_THAT(refused, ::testing::Not(::testing::IsEmpty()));
  EXPECT_THAT(refused[0], HasSubstr("http://127.0.0.1:9/x.png"));
  EXPECT_THAT(with("<script>nothing.here()</script>").second,
              ::testing::ElementsAre(HasSubstr("nothing is not defined")));
}

TEST_F(Report, AWrongRequestLeavesNoFile) {
  const auto file = bench->hilum({"report", "table.toml", "--html", "wrong.html"});
  EXPECT_EQ(file.code, 2);
  EXPECT_THAT(file.err, HasSubstr("table.toml"));
  const auto id = bench->hilum({"report", ids[0], "--html", "wrong.html", "--ids", "nobody"});
  EXPECT_EQ(id.code, 2);
  EXPECT_THAT(id.err, HasSubstr("--ids: value 'nobody'"));
  const auto window = bench->hilum({"report", ids[0], "--html", "wrong.html", "--window", "9,1"});
  EXPECT_EQ(window.code, 2);
  EXPECT_FALSE(fs::exists(bench->root / "wrong.html"));
}

}  // namespace
}  // namespace hilum::testing
