// SPDX-License-Identifier: Apache-2.0
#include "hilum/schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace {
using hilum::Data;
using hilum::Problems;
using hilum::Strings;
using hilum::Values;
using testing::HasSubstr;

struct Options {
  int64_t width = 64;
  double rate = 0.5;
  bool bias = true;
  std::string mode = "gate";
  std::string val = "none";
  std::vector<int64_t> sizes = {1, 2};
  std::vector<double> spacing = {0.5};
  Strings names;
  std::vector<Strings> pairs;
};

hilum::Schema<Options> schema() {
  return hilum::Schema<Options>{}
      .add("width", &Options::width, "channels")
      .range(1, 1024)
      .add("rate", &Options::rate, "share")
      .range(0, 1)
      .add("bias", &Options::bias, "with bias")
      .add("mode", &Options::mode, "how")
      .one_of({"sum", "gate", "attend"})
      .add("val", &Options::val, "any")
      .any_scalar()
      .add("sizes", &Options::sizes, "sizes")
      .range(1, 9)
      .add("spacing", &Options::spacing, "mm", "mm")
      .add("names", &Options::names, "names")
      .one_of({"a", "b"})
      .add("pairs", &Options::pairs, "pairs")
      .rule([](const Options& o) { return o.mode != "attend" || o.width % 8 == 0; },
            "'width' must be a multiple of 8 when mode is 'attend'");
}

std::string message(const Values& values) {
  try {
    schema().parse(values, "backbone 'x'");
    return "";
  } catch (const hilum::Error& error) {
    EXPECT_EQ(error.fault, hilum::Fault::request);
    return error.what();
  }
}

TEST(Schema, EveryTypeArrivesInItsField) {
  const auto o = schema().parse({{"width", {int64_t{32}, ""}},
                                 {"rate", {0.25, ""}},
                                 {"bias", {false, ""}},
                                 {"mode", {std::string("sum"), ""}},
                                 {"sizes", {std::vector<int64_t>{3}, ""}},
                                 {"spacing", {std::vector<double>{2.5}, ""}},
                                 {"names", {Strings{"b"}, ""}},
                                 {"pairs", {std::vector<Strings>{{"p", "q"}}, ""}}});
  EXPECT_EQ(o.width, 32);
  EXPECT_EQ(o.rate, 0.25);
  EXPECT_FALSE(o.bias);
  EXPECT_EQ(o.mode, "sum");
  EXPECT_EQ(o.sizes, std::vector<int64_t>{3});
  EXPECT_EQ(o.spacing, std::vector<double>{2.5});
  EXPECT_EQ(o.names, Strings{"b"});
  EXPECT_EQ(o.pairs, (std::vector<Strings>{{"p", "q"}}));
}

TEST(Schema, WhatIsAbsentKeepsItsDefault) {
  const auto o = schema().parse(Values{});
  EXPECT_EQ(o.width, 64);
  EXPECT_EQ(o.sizes, (std::vector<int64_t>{1, 2}));
}

TEST(Schema, TakesWholeNumbersForNumbersAndOneStringForAList) {
  const auto o = schema().parse({{"rate", {int64_t{1}, ""}},
                                 {"spacing", {std::vector<int64_t>{1, 2}, ""}},
                                 {"names", {std::string("a"), ""}},
                                 {"sizes", {Strings{}, ""}},
                                 {"pairs", {Strings{}, ""}}});
  EXPECT_EQ(o.rate, 1.0);
  EXPECT_EQ(o.spacing, (std::vector<double>{1, 2}));
  EXPECT_EQ(o.names, Strings{"a"});
  EXPECT_TRUE(o.sizes.empty());
}

TEST(Schema, AnyScalarIsKeptAsText) {
  EXPECT_EQ(schema().parse({{"val", {0.2, ""}}}).val, "0.2");
  EXPECT_EQ(schema().parse({{"val", {int64_t{1}, ""}}}).val, "1");
}

TEST(Schema, WrongTypeSaysValueAndExpectedType) {
  EXPECT_EQ(
      message({{"width", {std::string("big"), "exp.toml:3:1"}}}),
      "exp.toml:3:1: backbone 'x': option 'width' is 'big', expected integer, allowed [1, 1024].");
  EXPECT_THAT(message({{"width", {1.5, ""}}}), HasSubstr("is 1.5, expected integer"));
  EXPECT_THAT(message({{"mode", {int64_t{3}, ""}}}), HasSubstr("is 3, expected string"));
  EXPECT_THAT(message({{"pairs", {Strings{"a", "b"}, ""}}}),
              HasSubstr("expected list of lists of strings"));
}

TEST(Schema, OutOfRangeSaysValueAndRange) {
  EXPECT_EQ(message({{"rate", {1.2, "e:1:1"}}}),
            "e:1:1: backbone 'x': option 'rate' is 1.2, allowed [0, 1].");
  EXPECT_THAT(message({{"rate", {std::nan(""), ""}}}), HasSubstr("is nan, allowed [0, 1]"));
  EXPECT_THAT(message({{"sizes", {std::vector<int64_t>{3, 12}, ""}}}),
              HasSubstr("is 12, allowed [1, 9]"));
}

TEST(Schema, UnlistedChoiceSaysChoicesAndTheNearest) {
  EXPECT_THAT(
      message({{"mode", {std::string("gatee"), ""}}}),
      HasSubstr("is 'gatee', allowed one of 'sum', 'gate', 'attend'. Did you mean 'gate'?"));
  EXPECT_THAT(message({{"names", {Strings{"a", "c"}, ""}}}),
              HasSubstr("is 'c', allowed one of 'a', 'b'"));
}

TEST(Schema, ReportsAllProblemsUnknownKeysFirst) {
  const auto text = message({{"bias", {int64_t{1}, "e:1:1"}}, {"widht", {int64_t{1}, "e:2:1"}}});
  EXPECT_THAT(text, testing::StartsWith(
                        "e:2:1: backbone 'x': unknown option 'widht'. Did you mean 'width'?"));
  EXPECT_THAT(text, HasSubstr("\ne:1:1: backbone 'x': option 'bias' is 1, expected boolean."));
}

TEST(Schema, RuleIsCheckedOnlyOnceTheOptionsAreRight) {
  EXPECT_THAT(message({{"mode", {std::string("attend"), ""}}, {"width", {int64_t{12}, ""}}}),
              HasSubstr("multiple of 8"));
  EXPECT_THAT(message({{"mode", {std::string("attend"), ""}}, {"width", {int64_t{0}, ""}}}),
              Not(HasSubstr("multiple of 8")));
}

TEST(Check, KeysThatOthersReadAreKnownAndTakePartInSuggestions) {
  Problems problems;
  hilum::check(schema().parameters, {{"plugin", {std::string("p"), ""}}}, "x", problems,
               {"plugin"});
  EXPECT_TRUE(problems.empty());
  hilum::check(schema().parameters, {{"plugn", {std::string("p"), ""}}}, "x", problems, {"plugin"});
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_TRUE(problems[0].unknown);
  EXPECT_THAT(problems[0].message, HasSubstr("Did you mean 'plugin'?"));
}

TEST(Check, AWrongTypeUnderANearKeysNameSuggestsThatKey) {
  struct Folds {
    int64_t fold = 0;
    std::string folds;
  };
  const auto folds =
      hilum::Schema<Folds>{}.add("fold", &Folds::fold, "").add("folds", &Folds::folds, "");
  Problems problems;
  hilum::check(folds.parameters, {{"folds", {int64_t{0}, ""}}}, "data", problems);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_THAT(problems[0].message, HasSubstr("Did you mean 'fold'?"));
}

TEST(Check, OfTwoNearKeysTheUnsetOneIsMeant) {
  struct Two {
    int64_t lra = 0, lrb = 0;
  };
  const auto two = hilum::Schema<Two>{}.add("lra", &Two::lra, "").add("lrb", &Two::lrb, "");
  Problems problems;
  hilum::check(two.parameters, {{"lra", {int64_t{0}, ""}}, {"lrx", {int64_t{0}, ""}}}, "",
               problems);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_THAT(problems[0].message, HasSubstr("Did you mean 'lrb'?"));
}

TEST(ToText, WritesToml) {
  EXPECT_EQ(hilum::to_text(true), "true");
  EXPECT_EQ(hilum::to_text(int64_t{-3}), "-3");
  EXPECT_EQ(hilum::to_text(1.0), "1.0");
  EXPECT_EQ(hilum::to_text(1e-4), "1e-4");
  EXPECT_EQ(hilum::to_text(0.1), "0.1");
  EXPECT_EQ(hilum::to_text(-INFINITY), "-inf");
  EXPECT_EQ(hilum::to_text(std::string("a\"b\\c\n\x01")), R"("a\"b\\c\n\u0001")");
  EXPECT_EQ(hilum::to_text(std::vector<double>{1, 2.5}), "[1.0, 2.5]");
  EXPECT_EQ(hilum::to_text(std::vector<Strings>{{"a", "b"}, {}}), R"([["a", "b"], []])");
}

TEST(Allowed, SaysRangesAndChoices) {
  hilum::Parameter p{"x", "", "", 0.0};
  EXPECT_EQ(hilum::allowed(p), "");
  p.low = 0;
  EXPECT_EQ(hilum::allowed(p), "at least 0");
  p.high = 1.5;
  EXPECT_EQ(hilum::allowed(p), "[0, 1.5]");
  p.choices = {"a", "b"};
  EXPECT_EQ(hilum::allowed(p), "one of 'a', 'b'");
}

TEST(ThrowIfAny, IsQuietWithoutProblems) { EXPECT_NO_THROW(hilum::throw_if_any({})); }

}  // namespace
