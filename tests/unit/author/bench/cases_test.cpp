// SPDX-License-Identifier: Apache-2.0
#include "core/author/bench/cases.hpp"

#include "fixture.hpp"

namespace hilum::bench {
namespace {
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

Declaration declared(const std::string& kind) {
  Declaration d;
  d.kind = kind, d.name = "gated";
  return d;
}

class Cases : public InFolder {
 protected:
  std::vector<Case> read(const std::string& text, const std::string& kind = "fusion",
                         const Values& options = {}) {
    return read_cases(write("c.toml", text), declared(kind), options);
  }
  std::string refused(const std::string& text, const std::string& kind = "fusion") {
    return message_of([&] { read(text, kind); });
  }
};

TEST_F(Cases, AreReadInTheOrderOfTheFile) {
  const auto cases = read(R"(
[case."64x64"]
b = [2, 8, 64, 64]
a = [2, 4, 64, 64]
options = { per_channel = true, width = 3 }
[case.16]
a = [2, 4, 16, 16, 16]
b = [2, 4]
)");
  ASSERT_EQ(cases.size(), 2u);
  EXPECT_EQ(cases[0].name, "64x64");
  EXPECT_EQ(cases[0].where, (folder / "c.toml").string() + ":2:7");
  EXPECT_THAT(cases[0].inputs, ElementsAre(Pair("b", ElementsAre(2, 8, 64, 64)),
                                           Pair("a", ElementsAre(2, 4, 64, 64))));
  EXPECT_EQ(std::get<bool>(cases[0].options.at("per_channel").data), true);
  EXPECT_EQ(std::get<int64_t>(cases[0].options.at("width").data), 3);
  EXPECT_THAT(cases[0].options.at("width").where, HasSubstr("c.toml:5:33"));
  EXPECT_EQ(cases[1].name, "16");
  EXPECT_TRUE(cases[1].options.empty());
}

TEST_F(Cases, OptionsOfTheCommandLineAreEveryCasesAndComeFirst) {
  const Values set{{"width", {int64_t{8}, "--set width=8"}}};
  const auto cases =
      read("[case.x]\na = [1, 2]\noptions = { width = 3, more = 1 }\n[case.y]\na = [1, 2]",
           "fusion", set);
  EXPECT_EQ(std::get<int64_t>(cases[0].options.at("width").data), 8);
  EXPECT_EQ(std::get<int64_t>(cases[0].options.at("more").data), 1);
  EXPECT_EQ(std::get<int64_t>(cases[1].options.at("width").data), 8);
}

TEST_F(Cases, EachMistakeIsNamedWithItsPlace) {
  const auto text = refused(R"([cases.x]
a = [1, 2]
[case.y]
a = [1, 0, 4, 4]
b = [1, 2, 3]
c = "big"
z = [1, 2]
optons = { width = 3 }
[case.w]
options = 3
a = [1, 2]
)");
  for (const char* words :
       {"c.toml:1:2: a file of cases has nothing but tables [case.\"NAME\"], not 'cases'. Did you "
        "mean 'case'?",
        "c.toml:4:1: case 'y': 'a': value [1, 0, 4, 4], allowed a shape: [N,C], [N,C,H,W]",
        "c.toml:5:1: case 'y': 'b': value [1, 2, 3]", "c.toml:6:1: case 'y': 'c': value \"big\"",
        "c.toml:7:1: case 'y': a fusion has no input 'z'. Allowed: a, b, c, ...; options.",
        "c.toml:8:1: case 'y': there is no table 'optons'. Did you mean 'options'?",
        "c.toml:10:1: case 'w': 'options': value 3, allowed a table"})
    EXPECT_THAT(text, HasSubstr(words));
  EXPECT_LT(text.find("no table 'optons'"), text.find("[1, 0, 4, 4]")) << "unknown keys first";
}

TEST_F(Cases, InputsAreThoseOfTheKind) {
  EXPECT_THAT(refused("[case.x]\na = [1, 2]", "regularizer"),
              HasSubstr("a regularizer has no input 'a'. Allowed: u and c"));
  EXPECT_THAT(refused("[case.x]\ny = [1, 2]", "head"), HasSubstr("Allowed: x (or a, b, c, ...)"));
  EXPECT_EQ(read("[case.x]\nx = [1, 2]\nimage = [1, 1, 4, 4]", "head")[0].inputs.size(), 2u);
  EXPECT_EQ(read("[case.x]\nother = [1, 1, 4, 4]", "backbone")[0].inputs[0].first, "other");
}

TEST_F(Cases, SizesThatNoMemoryHoldsAreRefused) {
  EXPECT_THAT(refused("[case.x]\na = [100000, 100000, 100000, 100000]"), HasSubstr("value [1"));
  EXPECT_EQ(read("[case.x]\na = [2, 2, 1024, 1024]").size(), 1u);
}

TEST_F(Cases, EmptyMissingAndBrokenFiles) {
  EXPECT_THAT(refused(""), HasSubstr("c.toml: has no case. Write [case."));
  EXPECT_THAT(refused("[case.x]"), HasSubstr("c.toml:1:7: case 'x' has no inputs. A fusion reads"));
  EXPECT_THAT(refused("case = 3"), HasSubstr("c.toml:1:1: "));
  EXPECT_THAT(refused("[case]\nx = 3"), HasSubstr("c.toml:2:1: case 'x' is a value"));
  EXPECT_THAT(refused("[case.x]\na = [1,"), HasSubstr("c.toml:2:"));
  EXPECT_THAT(message_of([&] { read_cases(folder / "none.toml", declared("head"), {}); }),
              HasSubstr("none.toml: there is no such file"));
}

TEST(DefaultCases, EveryKindHasSomeIn2DAnd3D) {
  for (const char* kind : {"backbone", "fusion", "regularizer", "head"}) {
    const auto cases = default_cases(declared(kind), {});
    const auto has = [&](size_t rank) {
      return std::any_of(cases.begin(), cases.end(), [&](const Case& one) {
        return one.inputs[0].second.size() == rank && one.where.empty();
      });
    };
    EXPECT_TRUE(has(4) && has(5)) << kind;
  }
}

TEST(DefaultCases, ABackbonesImageHasTheChannelsOfItsOption) {
  auto backbone = declared("backbone");
  EXPECT_EQ(default_cases(backbone, {})[0].inputs[0].second[1], 1);
  backbone.parameters.push_back({"in_channels", "channels of the image", "", int64_t{3}});
  EXPECT_EQ(default_cases(backbone, {})[0].inputs[0].second[1], 3);
  const Values set{{"in_channels", {int64_t{5}, "--set in_channels=5"}}};
  const auto cases = default_cases(backbone, set);
  EXPECT_EQ(cases[0].inputs[0].second[1], 5);
  EXPECT_TRUE(cases[0].options.contains("in_channels"));
}

}  // namespace
}  // namespace hilum::bench
