// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <limits>

#include "core/plugins/declaration_json.hpp"
#include "core/plugins/inspect.hpp"
#include "core/plugins/stamp.hpp"

namespace hilum::plugins {
namespace {
using testing::HasSubstr;

const double kInfinity = std::numeric_limits<double>::infinity();

Declaration every_type() {
  Declaration d{"fusion", "every", "2.1", "one of each", "a page", {}, {}};
  d.parameters = {
      {"flag", "yes or no", "", false},
      {"count", "how many", "", int64_t{1} << 60, 0, kInfinity},
      {"rate", "how fast", "1/s", 0.1, 0, 1},
      {"none", "no limit", "", kInfinity},
      {"word", "a word", "", std::string("sum"), -kInfinity, kInfinity, {"sum", "gate"}},
      {"val", "text or a number", "", std::string("none"), -kInfinity, kInfinity, {}, true},
      {"sizes", "", "mm", std::vector<int64_t>{1, 2}},
      {"rates", "", "", std::vector<double>{1, 0.5}},
      {"words", "", "", Strings{}},
      {"lists", "", "", std::vector<Strings>{{"a", "b"}, {}}},
  };
  return d;
}

TEST(Description, ComesBackFromJsonAsItWas) {
  const Declaration d = every_type();
  const Declaration back = declaration_from(nlohmann::ordered_json::parse(dump(to_json(d))));
  EXPECT_EQ(back.kind + back.name + back.version + back.summary + back.source,
            d.kind + d.name + d.version + d.summary + d.source);
  ASSERT_EQ(back.parameters.size(), d.parameters.size());
  for (size_t i = 0; i < d.parameters.size(); ++i) {
    const auto &a = d.parameters[i], &b = back.parameters[i];
    EXPECT_EQ(a.name + a.help + a.unit, b.name + b.help + b.unit);
    EXPECT_EQ(a.fallback, b.fallback) << a.name;
    EXPECT_EQ(a.low, b.low);
    EXPECT_EQ(a.high, b.high);
    EXPECT_EQ(a.choices, b.choices);
    EXPECT_EQ(a.any_scalar, b.any_scalar);
  }
}

TEST(Description, ChecksOptionsWithoutThePlugin) {
  const Declaration d = declaration_from(to_json(every_type()));
  Problems problems;
  d.validate({{"rate", {2.0, "e.toml:3:1"}}, {"wrod", {std::string("sum"), "e.toml:4:1"}}},
             "fusion 'every'", "e.toml:2:1", problems, {"connect"});
  ASSERT_EQ(problems.size(), 2u);
  std::string all;
  for (const auto& problem : problems) all += problem.where + ": " + problem.message + "\n";
  EXPECT_THAT(all, HasSubstr("e.toml:3:1"));
  EXPECT_THAT(all, HasSubstr("allowed [0, 1]"));
  EXPECT_THAT(all, HasSubstr("Did you mean 'word'?"));
}

TEST(Description, SurvivesTextThatIsNotUtf8) {
  Declaration d = every_type();
  d.summary = "caf\xe9";
  EXPECT_THAT(dump(to_json(d)), HasSubstr("caf\xef\xbf\xbd"));
}

TEST(Inspect, RefusesEachReservedOption) {
  for (const auto& name : reserved_options()) {
    Declaration d = every_type();
    d.parameters[0].name = name;
    const auto failure = inspect({&d}, {"fusion/every"});
    ASSERT_TRUE(failure) << name;
    EXPECT_EQ(failure->step, Step::options);
    EXPECT_THAT(failure->cause, HasSubstr("the option '" + name + "', which is reserved"));
  }
  const Declaration good = every_type();
  EXPECT_FALSE(inspect({&good}, {"fusion/every"}));
}

TEST(Inspect, WantsExactlyWhatIsPromised) {
  const Declaration d = every_type();
  EXPECT_TRUE(inspect({&d}, {"fusion/every", "fusion/other"})) << "one is missing";
  EXPECT_TRUE(inspect({&d}, {"head/every"})) << "another kind";
  Declaration spaced = every_type();
  spaced.name = "two words";
  EXPECT_THAT(inspect({&spaced}, {"fusion/two words"})->cause, HasSubstr("which is no name"));
}

TEST(Stamp, IsSpelledOut) {
  EXPECT_EQ(readable("hilum_abi_3__torch_2_11_0__cuda_130__cxx11_1__gxx_1017"),
            "sdk 3, torch 2.11.0 (CUDA 13.0), g++ ABI 1017");
  EXPECT_EQ(readable("hilum_abi_1__torch_2_10_0__cuda_0__cxx11_0__gxx_1002"),
            "sdk 1, torch 2.10.0 (no CUDA), g++ ABI 1002, C++11 strings 0");
  EXPECT_EQ(readable("hilum_abi_x"), "hilum_abi_x");
  EXPECT_THAT(readable(this_stamp()), HasSubstr("torch 2."));
}

}  // namespace
}  // namespace hilum::plugins
