// SPDX-License-Identifier: Apache-2.0
// hilum plugins check FILE: the real program over plugins that misbehave.
#include <chrono>

#include "tests/cli/program.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;
using ::testing::Not;

class Check : public Program {
 protected:
  Outcome check(const std::string& fault, const Strings& more = {}) {
    return hilum(Strings{"plugins", "check", HILUM_FAULTS_DIR "/" + fault + ".so"} + more);
  }
};

TEST_F(Check, SaysWhatWasTriedWhatCameOutAndWhatToLookAt) {
  const auto wrong = check("fusion_wrong_gradient", {"--junit", (root / "check.xml").string()});
  EXPECT_EQ(wrong.code, 4) << wrong.all();
  for (const char* words : {"differences", "WRONG", "tried", "a step of 1e-7", "came out",
                            "'mix.weight'", "look at", "backward"})
    EXPECT_THAT(wrong.out, HasSubstr(words));
  EXPECT_THAT(wrong.err, HasSubstr("fusion/wrong_gradient"));
  const auto xml = text_of(root / "check.xml");
  EXPECT_THAT(xml, HasSubstr("<testsuite name=\"fusion/wrong_gradient\""));
  EXPECT_THAT(xml, HasSubstr("<failure message="));
  EXPECT_THAT(xml, HasSubstr("failures=\"1\"")) << xml;
}

TEST_F(Check, HostilePluginsEndInADiagnosisSoon) {
  for (const char* fault : {"fusion_crash", "fusion_exit", "fusion_hang", "fusion_throw"}) {
    const auto outcome = check(fault);
    EXPECT_EQ(outcome.code, 4) << fault << "\n" << outcome.all();
    EXPECT_LT(outcome.seconds, 15) << fault;
    EXPECT_THAT(outcome.out, HasSubstr("WRONG")) << fault;
  }
}

TEST_F(Check, OfASoundPluginSucceedsWholeAndInParts) {
  const auto whole = check("fusion_sound", {"--json"});
  EXPECT_EQ(whole.code, 0) << whole.all();
  const auto json = nlohmann::json::parse(whole.out)[0];
  EXPECT_EQ(json.at("steps").at("loads"), "ok");
  EXPECT_GT(json.at("checks").size(), 15u);
  for (const auto& one : json.at("checks")) EXPECT_NE(one.at("state"), "wrong") << one.dump(1);
  EXPECT_THAT(check("fusion_sound", {"--quick"}).out, Not(HasSubstr("leaks")));
  const auto two = check("fusion_sound", {"--only", "help", "leaks"});
  EXPECT_EQ(two.code, 0) << two.all();
  EXPECT_THAT(two.out, HasSubstr("leaks"));
  EXPECT_THAT(two.out, Not(HasSubstr("differences")));
  const auto unknown = check("fusion_sound", {"--only", "laeks"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("Did you mean 'leaks'?"));
}

}  // namespace
}  // namespace hilum::testing
