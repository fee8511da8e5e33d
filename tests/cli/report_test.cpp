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
