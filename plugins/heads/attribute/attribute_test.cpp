// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/parts/kit.hpp"

namespace hilum {
namespace {
using Options = std::map<std::string, Data>;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::shared_ptr<Head> head(const Options& options) {
  Values values;
  for (const auto& [name, data] : options) values[name] = {data, "test"};
  auto made = std::dynamic_pointer_cast<Head>(
      kit::plugin("head/attribute").make(values, {{{1, 3, 4, 4}}, {1, 1, 16, 16}}));
  made->to(torch::kDouble);
  return made;
}

const Data kTwo = Strings{"margin", "calcification"};

Tensor column(std::vector<double> values) {
  return torch::tensor(values, torch::kDouble).unsqueeze(1);
}
std::vector<double> list(const Tensor& t) {
  const Tensor flat = t.detach().contiguous().to(torch::kDouble);
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}
double bce(double z, double y) { return std::log1p(std::exp(z)) - y * z; }

TEST(Attribute, HasTheSevenOfThePaper) {
  Strings targets;
  for (const auto& output : head({})->outputs()) {
    targets.push_back(output.target);
    EXPECT_EQ(output.kind, OutputKind::binary);
  }
  EXPECT_EQ(targets, (Strings{"subtlety", "calcification", "sphericity", "margin", "lobulation",
                              "spiculation", "texture"}));
}

TEST(Attribute, EachIsAColumnOfTheLastLayer) {
  const auto h = head({{"attributes", kTwo}, {"hidden", int64_t{5}}});
  const Tensor x = torch::randn({2, 3, 4, 4}, torch::kDouble);
  Named out = h->forward({x});
  const auto p = h->named_parameters();
  const Tensor hidden = torch::linear(x.mean({2, 3}), p["hidden.weight"], p["hidden.bias"]).relu();
  EXPECT_TRUE(torch::allclose(out.at("hidden"), hidden));
  const Tensor logits = torch::linear(hidden, p["fc.weight"], p["fc.bias"]);
  EXPECT_TRUE(torch::allclose(out.at("logits"), logits));
  EXPECT_TRUE(torch::allclose(out.at("calcification_logits"), logits.slice(1, 1)));
  EXPECT_TRUE(
      torch::allclose(h->predict(out).at("margin_probability"), logits.slice(1, 0, 1).sigmoid()));
  EXPECT_TRUE(
      head({{"hidden", int64_t{0}}})->forward({x}).at("hidden").equal(x.flatten(2).mean(2)));
}

TEST(Attribute, ARatingAboveItsThresholdIsOne) {
  const auto h = head({{"attributes", kTwo}, {"thresholds", std::vector<double>{3.5, 5.5}}});
  const Named batch{{"margin", column({3.5, 3.75, kNaN})}, {"calcification", column({6, 5.5, 5})}};
  const auto outputs = h->outputs();
  const auto margin = list(h->truth(outputs[0], batch));
  EXPECT_EQ(margin[0], 0);
  EXPECT_EQ(margin[1], 1);
  EXPECT_TRUE(std::isnan(margin[2]));
  EXPECT_EQ(list(h->truth(outputs[1], batch)), (std::vector<double>{1, 0, 0}));
  const auto one = head({{"attributes", kTwo}});
  EXPECT_EQ(list(one->truth(outputs[1], batch)), (std::vector<double>{1, 1, 1})) << "3.5 for all";
}

TEST(Attribute, BinaryTermsByHand) {
  const auto h = head({{"attributes", kTwo}});
  const Tensor z =
      torch::tensor({{0.5, 1.0}, {-1.0, 2.0}, {3.0, -0.5}}, torch::kDouble).set_requires_grad(true);
  const Named batch{{"margin", column({4, 2, kNaN})},
                    {"calcification", column({kNaN, kNaN, kNaN})}};
  const Named terms = h->loss({{"logits", z}}, batch);
  EXPECT_NEAR(terms.at("margin").item<double>(), (bce(0.5, 1) + bce(-1, 0)) / 2, 1e-14);
  EXPECT_EQ(terms.at("calcification").item<double>(), 0);
  (terms.at("margin") + terms.at("calcification")).backward();
  EXPECT_EQ(z.grad().count_nonzero().item<int64_t>(), 2) << "unknown ratings teach nothing";
}

TEST(Attribute, OrdinalLevelsByHand) {
  const auto h = head({{"attributes", Strings{"margin"}},
                       {"mode", std::string("ordinal")},
                       {"levels", int64_t{4}},
                       {"hidden", int64_t{0}}});
  EXPECT_EQ(h->outputs()[0].kind, OutputKind::ordinal);
  const Tensor z = torch::tensor({{2.0, 0.5, -1.0}, {1.0, 0.0, -3.0}}, torch::kDouble);
  const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  EXPECT_NEAR(list(h->predict({{"logits", z}}).at("margin_probability"))[0],
              1 + sigmoid(2) + sigmoid(0.5) + sigmoid(-1), 1e-14);
  // 2.5 is level 2 (halves to even), 7 the highest.
  const Named batch{{"margin", column({2.5, 7})}};
  EXPECT_EQ(list(h->truth(h->outputs()[0], batch)), (std::vector<double>{2, 4}));
  const double first = bce(2, 1) + bce(0.5, 0) + bce(-1, 0);
  const double second = bce(1, 1) + bce(0, 1) + bce(-3, 1);
  EXPECT_NEAR(h->loss({{"logits", z}}, batch).at("margin").item<double>(), (first + second) / 2,
              1e-14);
}

TEST(Attribute, OrdinalProbabilitiesFallFromLevelToLevel) {
  const auto h = head({{"attributes", kTwo}, {"mode", std::string("ordinal")}});
  const Tensor z = h->forward({torch::randn({2, 3, 4, 4}, torch::kDouble)}).at("logits");
  EXPECT_EQ(z.sizes(), torch::IntArrayRef({2, 8}));
  EXPECT_TRUE(z.view({2, 2, 4}).diff().lt(0).all().item<bool>());
}

TEST(Attribute, ARegressionStartsAtTheTrainingSetsMean) {
  for (const std::string loss : {"smooth_l1", "l1", "l2"}) {
    const auto h =
        head({{"attributes", kTwo}, {"mode", std::string("regression")}, {"loss", loss}});
    h->see_targets({{"margin", column({3, 5, kNaN})}, {"calcification", column({kNaN})}});
    const Named out{{"logits", torch::tensor({{0.5, 1.0}, {-2.0, 0.0}}, torch::kDouble)}};
    EXPECT_EQ(list(h->predict(out).at("margin_probability")), (std::vector<double>{4.5, 2}));
    const Named batch{{"margin", column({4, 5})}, {"calcification", column({2, kNaN})}};
    const Named terms = h->loss(out, batch);  // margin is off by 0.5 and 3, calcification by 1
    const double margin = loss == "l1" ? 1.75 : loss == "l2" ? 9.25 / 2 : (0.125 + 2.5) / 2;
    EXPECT_NEAR(terms.at("margin").item<double>(), margin, 1e-14) << loss;
    EXPECT_NEAR(terms.at("calcification").item<double>(), loss == "smooth_l1" ? 0.5 : 1, 1e-14);
    EXPECT_EQ(list(h->truth(h->outputs()[0], batch)), (std::vector<double>{4, 5}));
  }
}

TEST(Attribute, RulesAcrossOptions) {
  const auto text = [](const Options& options) {
    return std::string(kit::error_of([&] { head(options); }).what());
  };
  EXPECT_NE(text({{"thresholds", std::vector<double>{1, 2}}}).find("one for each"),
            std::string::npos);
  EXPECT_NE(text({{"attributes", Strings{"margin", "margin"}}}).find("none twice"),
            std::string::npos);
  EXPECT_NE(text({{"attributes", Strings{}}}).find("at least one"), std::string::npos);
}

}  // namespace
}  // namespace hilum
