// SPDX-License-Identifier: Apache-2.0
// Plugins of this file that say how they are called.
#include "core/author/bench/measure.hpp"

#include <torch/torch.h>

#include <nlohmann/json.hpp>

#include "core/author/bench/subject.hpp"
#include "fixture.hpp"
#include "hilum/plugin.hpp"

namespace hilum::bench {
namespace {
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;

struct Calls {
  int evaluated = 0, trained = 0, gradients = 0, built = 0;
  bool eval_with_gradient = false, train_without = false;
};
Calls calls;

// Twice the first feature; of images only, and of even sizes.
struct Twice : Fusion {
  struct Options {
    int64_t width = 1;
  };
  static Schema<Options> schema() {
    return Schema<Options>{}.add("width", &Options::width, "channels").range(1, 8);
  }
  Twice(const Options&, const Site& at) {
    if (at.dims() != 2) throw Error("needs an image");
    gain = parameter("gain", torch::full({1}, 2.0));
    ++calls.built;
  }
  Tensor forward(const Tensors& in) override {
    TORCH_CHECK(in[0].size(2) % 2 == 0, "the height is odd");
    if (is_training()) {
      ++calls.trained;
      calls.train_without |= !torch::GradMode::is_enabled();
    } else {
      ++calls.evaluated;
      calls.eval_with_gradient |= torch::GradMode::is_enabled();
    }
    Tensor out = gain * in[0];
    if (out.requires_grad())
      out.register_hook([](const Tensor& g) { return ++calls.gradients, g; });
    return out;
  }
  Tensor gain;
};

const Plugin& twice() {
  static const Plugin made = [] {
    Registrar registrar;
    registrar.add<Twice>("twice", "1.0", "twice the first feature");
    return registrar.plugins.at(0);
  }();
  return made;
}

Case square(const std::string& name, int64_t side, const std::string& where = "c.toml:1:7") {
  return {name, {{"a", {2, 3, side, side}}, {"b", {2, 3, side, side}}}, {}, where};
}
const Measuring kQuick{.repetitions = 3, .seconds = 0.001};

TEST(Measure, EvaluatesWithoutAGradientAndTrainsWithOne) {
  calls = {};
  const auto measured = measure(twice(), {square("8x8", 8)}, kQuick);
  ASSERT_EQ(measured.timings.size(), 2u);
  EXPECT_EQ(measured.timings[0].name, "8x8/forward");
  EXPECT_EQ(measured.timings[1].name, "8x8/forward_backward");
  EXPECT_FALSE(calls.eval_with_gradient);
  EXPECT_FALSE(calls.train_without);
  EXPECT_GE(calls.evaluated, 3);
  EXPECT_GE(calls.trained, 3);
  EXPECT_EQ(calls.gradients, calls.trained) << "each step in training has its gradient";
  EXPECT_EQ(calls.built, 1) << "repetitions share one plugin";
}

TEST(Measure, KeepsEveryRepetitionAndTheirQuartiles) {
  for (const auto& t : measure(twice(), {square("8x8", 8)}, kQuick).timings) {
    EXPECT_EQ(t.samples.size(), 3u);
    EXPECT_THAT(t.samples, Each(Gt(0)));
    EXPECT_LE(t.low, t.median);
    EXPECT_LE(t.median, t.high);
    auto sorted = t.samples;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(t.median, sorted[1]);
    EXPECT_LT(t.high, 0.1) << "seconds of one call, not of a repetition";
  }
}

TEST(Measure, SaysShapesAndOptions) {
  auto one = square("8x8", 8);
  one.options["width"] = {int64_t{3}, "--set width=3"};
  const auto json = nlohmann::json::parse(measure(twice(), {one}, kQuick).timings[0].options);
  EXPECT_EQ(json.at("inputs").at("b"), (std::vector<int64_t>{2, 3, 8, 8}));
  EXPECT_EQ(json.at("options").at("width"), 3);
}

TEST(Measure, PrintsNothing) {
  ::testing::internal::CaptureStdout(), ::testing::internal::CaptureStderr();
  measure(twice(), {square("8x8", 8)}, kQuick);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(Measure, AWrongCaseOfAFileIsAnErrorBeforeAnyTime) {
  calls = {};
  const auto odd = message_of([] {
    measure(twice(), {square("8x8", 8), square("7x7", 7, "c.toml:9:7")},
            {.repetitions = 3, .seconds = 100});
  });
  EXPECT_THAT(odd, HasSubstr("c.toml:9:7: case '7x7': fusion 'twice': "));
  EXPECT_THAT(odd, HasSubstr("the height is odd"));
  auto wrong = square("8x8", 8);
  wrong.options["widht"] = {int64_t{3}, "c.toml:4:13"};
  wrong.options["width"] = {int64_t{99}, "--set width=99"};
  const auto text = message_of([&] { measure(twice(), {wrong, wrong}, kQuick); });
  EXPECT_THAT(text, HasSubstr("c.toml:4:13: fusion 'twice': unknown option 'widht'"));
  EXPECT_THAT(text, HasSubstr("width=99: "));
  EXPECT_EQ(text.find("width=99: "), text.rfind("width=99: ")) << "said once: " << text;
}

TEST(Measure, DefaultCasesThatDoNotFitAreLeftOut) {
  Case volume{"volume", {{"a", {1, 3, 4, 4, 4}}, {"b", {1, 3, 4, 4, 4}}}};
  const auto measured = measure(twice(), {square("8x8", 8, ""), volume}, kQuick);
  EXPECT_EQ(measured.timings.size(), 2u);
  EXPECT_THAT(measured.left_out, ElementsAre("case 'volume': fusion 'twice': needs an image"));
  EXPECT_THAT(message_of([&] { measure(twice(), {volume}, kQuick); }), HasSubstr("--cases"));
}

}  // namespace
}  // namespace hilum::bench
