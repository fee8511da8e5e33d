// SPDX-License-Identifier: Apache-2.0
// hilum forward, with the tests' own parts: what comes out is what the parts compute in this
// process.
#include <torch/torch.h>

#include "core/model/safetensors.hpp"
#include "core/model/weights.hpp"
#include "core/train/checkpoint.hpp"
#include "core/train/session.hpp"
#include "tests/cli/program.hpp"
#include "tests/parts/kit.hpp"

namespace hilum::testing {
namespace {
using ::testing::HasSubstr;
using ::testing::Not;

class Forward : public Program {
 protected:
  Forward() { kit::use_parts(); }
  // Where this process finds plugins, the program does.
  static Launch parts() {
    return {.env = {std::string("HILUM_PLUGIN_PATH=") + std::getenv("HILUM_PLUGIN_PATH")}};
  }
  Outcome forward(const Strings& words, const Named& inputs) const {
    model::write_safetensors(root / "in.safetensors", inputs);
    fs::remove(root / "out.safetensors");
    return hilum(
        Strings{"forward"} + words + Strings{"--in", "in.safetensors", "--out", "out.safetensors"},
        parts());
  }
  // What it wrote; fails the test where it does not end well.
  Named outputs(const Strings& words, const Named& inputs) const {
    const auto outcome = forward(words, inputs);
    EXPECT_EQ(outcome.code, 0) << outcome.all();
    return outcome.code == 0 ? read("out.safetensors") : Named{};
  }
  Named read(const std::string& name) const { return model::read_safetensors(root / name); }
  // It ends with this code and says all of this.
  void expect_error(int code, const Strings& says, const Strings& words,
                    const Named& inputs) const {
    const auto outcome = forward(words, inputs);
    EXPECT_EQ(outcome.code, code) << outcome.all();
    for (const auto& text : says) EXPECT_THAT(outcome.err, HasSubstr(text));
    EXPECT_THAT(outcome.err, Not(HasSubstr("Exception raised from")));
    EXPECT_FALSE(fs::exists(root / "out.safetensors"));
  }
};

Strings names(const Named& named) {
  Strings all;
  for (const auto& [name, t] : named) all.push_back(name);
  return all;
}

void expect_equal(const Named& a, const Named& b) {
  ASSERT_EQ(names(a), names(b));
  for (const auto& [name, t] : a) EXPECT_TRUE(t.equal(b.at(name))) << name;
}

// Fixed, of any sign, different everywhere; seeds in a test's program stay its own.
Tensor wave(at::IntArrayRef shape, double phase = 0) {
  return torch::arange(c10::multiply_integers(shape), torch::kDouble)
      .mul(0.7)
      .add(phase)
      .sin()
      .to(torch::kFloat)
      .reshape(shape);
}

TEST_F(Forward, ABackboneGivesItsStagesInEvalModeAndInTrainMode) {
  const Named in{{"x", wave({2, 3, 8, 6})}};
  torch::manual_seed(4);
  auto here = kit::alone("backbone/test_pyramid", {{"width", int64_t{3}}}, in);
  const torch::NoGradGuard no_grad;
  here.module().eval();
  const Strings words{"backbone/test_pyramid", "--set", "width=3", "--seed", "4"};
  const auto eval = outputs(words, in);
  expect_equal(eval, here.forward(in));
  EXPECT_EQ(names(eval), (Strings{"S1", "S2", "S3"}));
  EXPECT_EQ(eval.at("S3").sizes(), torch::IntArrayRef({2, 12, 2, 2}));
  here.module().train();
  const auto train = outputs(words + Strings{"--train"}, in);
  expect_equal(train, here.forward(in));
  EXPECT_FALSE(train.at("S1").equal(eval.at("S1")));
  EXPECT_FALSE(
      outputs({"backbone/test_pyramid", "--set", "width=3"}, in).at("S1").equal(eval.at("S1")))
      << "another seed, other weights";
}

TEST_F(Forward, ThreeDimensionsAndFurtherInputs) {
  const Named in{{"x", wave({1, 1, 4, 4, 4})}, {"other", wave({1, 2, 4, 4, 4}, 1)}};
  const auto out = outputs({"backbone/test_pair"}, in);
  EXPECT_EQ(out.at("S2").sizes(), torch::IntArrayRef({1, 8, 2, 2, 2}));
}

TEST_F(Forward, TheSeedMeansTheSameWeightsInFloat64) {
  const Named in{{"x", wave({1, 1, 8, 8})}};
  const auto single = outputs({"backbone/test_hourglass", "--save-weights", "w32.safetensors"}, in);
  const auto dual = outputs(
      {"backbone/test_hourglass", "--save-weights", "w64.safetensors", "--dtype", "f64"}, in);
  EXPECT_EQ(dual.at("D1").scalar_type(), torch::kDouble);
  EXPECT_TRUE(torch::allclose(dual.at("D1"), single.at("D1").to(torch::kDouble), 1e-4, 1e-5));
  const auto w32 = read("w32.safetensors"), w64 = read("w64.safetensors");
  ASSERT_EQ(names(w32), names(w64));
  for (const auto& [name, t] : w32) EXPECT_TRUE(w64.at(name).to(t.scalar_type()).equal(t)) << name;
  EXPECT_EQ(w64.at("D1.norm.num_batches_tracked").scalar_type(), torch::kLong);
}

TEST_F(Forward, BFloat16IsAutocast) {
  const Named in{{"x", wave({1, 1, 8, 8})}};
  const auto half = outputs({"backbone/test_pyramid", "--dtype", "bf16"}, in).at("S3");
  const auto full = outputs({"backbone/test_pyramid"}, in).at("S3");
  EXPECT_TRUE(torch::allclose(half.to(torch::kFloat), full, 0.1, 0.05));
  EXPECT_FALSE(half.to(torch::kFloat).equal(full));
}

TEST_F(Forward, AFusionIsAsComputedByHandFromTheWeightsOfAFile) {
  const auto a = wave({2, 3, 4, 5}), b = wave({2, 3, 4, 5}, 2), c = wave({2, 3, 4, 5}, 3);
  const auto gain = wave({1, 3, 1, 1}, 0.5);
  model::write_safetensors(root / "w.safetensors", {{"gain", gain}});
  const auto out = outputs({"fusion/test_add", "--weights", "w.safetensors", "--grad"},
                           {{"a", a}, {"b", b}, {"c", c}});
  EXPECT_EQ(names(out), (Strings{"a", "grad.a", "grad.b", "grad.c", "grad.gain"}));
  EXPECT_TRUE(torch::allclose(out.at("a"), a + gain * b + gain * c));
  EXPECT_TRUE(out.at("grad.a").equal(torch::ones_like(a)));
  EXPECT_TRUE(torch::allclose(out.at("grad.b"), gain.expand_as(b)));
  EXPECT_TRUE(torch::allclose(out.at("grad.gain"), (b + c).sum({0, 2, 3}, true), 1e-4, 1e-4));
}

TEST_F(Forward, AHeadGivesItsOutputsAndTheProbability) {
  const auto x = wave({3, 4, 5, 5});
  const auto out = outputs({"head/test_nodule"}, {{"x", x}});
  EXPECT_EQ(names(out), (Strings{"hidden", "logits", "probability"}));
  EXPECT_TRUE(out.at("probability").equal(out.at("logits").sigmoid()));
  const auto two = outputs({"head/test_nodule"}, {{"a", x}, {"b", wave({3, 2, 2, 2})}});
  EXPECT_EQ(two.at("logits").sizes(), torch::IntArrayRef({3, 1}));
}

// Central differences of the sum of all outputs, by the program itself, in float64.
TEST_F(Forward, GradientsAreTheSlopesOfTheSumOfAllOutputs) {
  const auto u = wave({2, 1, 3, 4}).to(torch::kDouble);
  const auto c = torch::tensor({{0.25}, {0.75}}, torch::kDouble);
  Named weights{{"strength", torch::tensor(0.4, torch::kDouble)},
                {"push", torch::tensor(0.3, torch::kDouble)}};
  const Strings words{"regularizer/test_smooth", "--dtype", "f64", "--weights", "w.safetensors"};
  const auto sum = [&](const Tensor& logits, const Named& with) {
    model::write_safetensors(root / "w.safetensors", with);
    return outputs(words, {{"u", logits}, {"c", c}}).at("z").sum().item<double>();
  };
  model::write_safetensors(root / "w.safetensors", weights);
  const auto outcome = forward(words + Strings{"--grad"}, {{"u", u}, {"c", c}});
  ASSERT_EQ(outcome.code, 0) << outcome.all();
  const auto out = read("out.safetensors");
  EXPECT_EQ(names(out), (Strings{"grad.push", "grad.strength", "grad.u", "z"}));
  EXPECT_THAT(outcome.err, HasSubstr("no gradient reaches: c"));
  const double h = 1e-5;
  for (const char* name : {"strength", "push"}) {
    auto up = weights, down = weights;
    up[name] = weights[name] + h, down[name] = weights[name] - h;
    EXPECT_NEAR(out.at(std::string("grad.") + name).item<double>(),
                (sum(u, up) - sum(u, down)) / (2 * h), 1e-8)
        << name;
  }
  for (const int64_t i : {0, 7, 23}) {
    auto up = u.clone(), down = u.clone();
    up.flatten()[i] += h, down.flatten()[i] -= h;
    EXPECT_NEAR(out.at("grad.u").flatten()[i].item<double>(),
                (sum(up, weights) - sum(down, weights)) / (2 * h), 1e-8);
  }
}

// A width that is learned through its softplus: the gradient is the width's.
TEST_F(Forward, AnEncodedQuantityHasTheGradientOfItsOwn) {
  if (!fs::exists(HILUM_BINARY_DIR "/plugins/regularizer_std.so")) GTEST_SKIP() << "no std here";
  const Named in{{"u", wave({1, 1, 7, 6}).to(torch::kDouble)}};
  const auto sigma = [](const char* value) {
    return Strings{"regularizer/std",
                   "--dtype",
                   "f64",
                   "--set",
                   std::string("sigma=") + value,
                   "learn=sigma,lambda1",
                   "positivity=softplus"};
  };
  const auto out = outputs(sigma("0.9") + Strings{"--grad"}, in);
  const double up = outputs(sigma("0.90001"), in).at("z").sum().item<double>();
  const double down = outputs(sigma("0.89999"), in).at("z").sum().item<double>();
  const double slope = (up - down) / 2e-5;
  EXPECT_GT(std::abs(slope), 1e-3);
  EXPECT_NEAR(out.at("grad.sigma").item<double>(), slope, 1e-6 * (1 + std::abs(slope)))
      << "the constants of the options are exact in float64, too";
  EXPECT_TRUE(out.contains("grad.sigma_raw"));
}

TEST_F(Forward, WeightsAreComplete) {
  const Named in{{"u", wave({1, 1, 4, 4})}, {"c", torch::tensor({0.5})}};
  const Strings words{"regularizer/test_smooth", "--weights", "w.safetensors"};
  const auto with = [&](const Named& weights) {
    model::write_safetensors(root / "w.safetensors", weights);
    return words;
  };
  const auto one = torch::tensor(1.0F);
  expect_error(1, {"w.safetensors", "has no push"}, with({{"strength", one}}), in);
  expect_error(1, {"of another shape", "push: [] here, [2] there"},
               with({{"strength", one}, {"push", wave({2})}}), in);
  const auto outcome =
      forward(with({{"strength", one}, {"push", one}, {"optimizer.step", one}}), in);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("left over in the weights: optimizer.step"));
  expect_error(3, {"--weights", "nowhere.safetensors"},
               {"regularizer/test_smooth", "--weights", "nowhere.safetensors"}, in);
}

TEST_F(Forward, WrongPluginsAndOptionsAreSaidWithTheNearest) {
  const Named in{{"x", wave({1, 1, 8, 8})}};
  expect_error(2, {"Did you mean 'test_pyramid'?"}, {"backbone/test_pyramit"}, in);
  expect_error(2, {"Did you mean 'backbone'?"}, {"bakbone/test_pyramid"}, in);
  expect_error(2, {"A plugin is named with its kind: backbone/test_pyramid"}, {"test_pyramid"}, in);
  expect_error(2, {"--set widht=3", "unknown option 'widht'", "Did you mean 'width'?"},
               {"backbone/test_pyramid", "--set", "widht=3"}, in);
  expect_error(2, {"width", "allowed", "[1, 64]"}, {"backbone/test_pyramid", "--set", "width=0"},
               in);
  expect_error(2, {"width", "integer"}, {"backbone/test_pyramid", "--set", "width=wide"}, in);
  expect_error(2, {"--set width", "option=value"}, {"backbone/test_pyramid", "--set", "width"}, in);
  expect_error(2, {"--device", "cuda:N"}, {"backbone/test_pyramid", "--device", "gpu"}, in);
  expect_error(2, {"--dtype"}, {"backbone/test_pyramid", "--dtype", "f16"}, in);
}

TEST_F(Forward, WrongInputsAreSaidWithWhatIsThereAndWhatIsNeeded) {
  const auto image = wave({2, 1, 8, 8});
  expect_error(2, {"backbone 'test_pyramid'", "'x' is missing", "The file has: image"},
               {"backbone/test_pyramid"}, {{"image", image}});
  expect_error(2, {"'x' is [8,8]", "[N,C,H,W] or [N,C,D,H,W]"}, {"backbone/test_pyramid"},
               {{"x", wave({8, 8})}});
  expect_error(2, {"'b' is missing", "given: a"}, {"fusion/test_add"}, {{"a", image}});
  expect_error(2, {"has no input 'd'"}, {"fusion/test_add"},
               {{"a", image}, {"b", image}, {"d", image}});
  expect_error(2, {"sizes differ", "[2,1,8,8]", "[2,1,4,4]"}, {"fusion/test_add"},
               {{"a", image}, {"b", wave({2, 1, 4, 4})}});
  expect_error(2, {"fusion 'test_add': needs equal channels"}, {"fusion/test_add"},
               {{"a", image}, {"b", wave({2, 3, 8, 8})}});
  expect_error(2, {"as many samples"}, {"fusion/test_add"},
               {{"a", image}, {"b", wave({1, 1, 8, 8})}});
  expect_error(2, {"'c' is [2,2]", "[2,1]"}, {"regularizer/test_smooth"},
               {{"u", image}, {"c", wave({2, 2})}});
  // What else is in the file is said, and integers are numbers.
  const auto outcome = forward({"backbone/test_pyramid"},
                               {{"x", torch::ones({1, 1, 8, 8}, torch::kLong)}, {"y_eval", image}});
  EXPECT_EQ(outcome.code, 0) << outcome.all();
  EXPECT_THAT(outcome.err, HasSubstr("does not read: y_eval"));
  EXPECT_EQ(read("out.safetensors").at("S1").scalar_type(), torch::kFloat);
}

TEST_F(Forward, FilesThatCannotBeReadOrWritten) {
  const auto run = [&](const std::string& in, const std::string& out) {
    return hilum({"forward", "backbone/test_plain", "--in", in, "--out", out}, parts());
  };
  const auto missing = run("nowhere.safetensors", "out.safetensors");
  EXPECT_EQ(missing.code, 3);
  EXPECT_THAT(missing.err, HasSubstr("--in: nowhere.safetensors"));
  model::write_safetensors(root / "in.safetensors", {{"x", wave({1, 1, 8, 8})}});
  const auto bytes = text_of(root / "in.safetensors");
  for (const size_t size : {size_t{0}, size_t{5}, size_t{30}, bytes.size() - 1}) {
    write(root / "cut.safetensors", bytes.substr(0, size));
    EXPECT_EQ(run("cut.safetensors", "out.safetensors").code, 3) << size;
  }
  EXPECT_EQ(run("in.safetensors", "made/for/it/out.safetensors").code, 0);
  const auto onto_file = run("in.safetensors", "in.safetensors/out.safetensors");
  EXPECT_EQ(onto_file.code, 1);
  EXPECT_THAT(onto_file.err, HasSubstr("--out: in.safetensors/out.safetensors: cannot be written"));
  fs::create_directory(root / "folder");
  const auto onto_folder = run("in.safetensors", "folder");
  EXPECT_EQ(onto_folder.code, 1);
  EXPECT_THAT(onto_folder.err, HasSubstr("cannot be written"));
}

TEST_F(Forward, TheTableIsOnStdoutAndJsonIsOneDocument) {
  const auto table = forward({"backbone/test_plain"}, {{"x", wave({1, 2, 8, 8})}});
  EXPECT_THAT(table.out, HasSubstr("S2"));
  EXPECT_THAT(table.out, HasSubstr("[1,2,4,4]"));
  EXPECT_THAT(table.out, HasSubstr("float32"));
  const auto document = nlohmann::json::parse(
      forward({"backbone/test_plain", "--json", "--grad"}, {{"x", wave({1, 2, 8, 8})}}).out);
  EXPECT_EQ(document.at("mode"), "eval");
  EXPECT_EQ(document.at("tensors").size(), 4U);
  EXPECT_EQ(document.at("tensors").at(0).at("name"), "S1");
  EXPECT_EQ(document.at("tensors").at(3).at("name"), "grad.x");
  EXPECT_EQ(document.at("tensors").at(0).at("shape"), nlohmann::json({1, 2, 8, 8}));
  EXPECT_TRUE(document.at("without_gradient").empty());
}

const char* const kStudy = R"([experiment]
name = "tiny"
[data]
source = "phantom"
roi = [16, 16]
val = 0.3
[data.phantom]
count = 8
patients = 8
size = [4, 16, 16]
[backbone.seg]
plugin = "test_hourglass"
[backbone.cls]
plugin = "test_pyramid"
[head.nodule]
plugin = "test_nodule"
on = "cls.S3"
[head.mask]
plugin = "test_mask"
on = "seg.D1"
[head.mask.regularizer]
plugin = "test_smooth"
guide = "nodule"
[train]
epochs = 1
batch = 4
device = "cpu"
precision = "float32"
channels_last = "off"
)";

TEST_F(Forward, ARunsModelIsTheOneInThisProcess) {
  write(root / "tiny.toml", kStudy);
  const auto run = json({"run", "tiny.toml"}, parts());
  const auto folder = runs() / run.at("id").get<std::string>();
  auto setup = train::prepare(config::Document::load(folder / "config.toml", {}));
  const auto checkpoint = train::checkpoint_file(folder, "best");
  ASSERT_TRUE(
      model::load_state(*setup.model, train::Checkpoint::load(checkpoint).model).missing.empty());
  setup.model->eval();
  const auto image = wave({2, 1, 20, 12});  // of another size than it was trained at
  Named here;
  const torch::NoGradGuard no_grad;
  for (const auto& [head, named] : setup.model->forward({{"image", image}}))
    for (const auto& [name, t] : named) here[head + "." + name] = t;
  EXPECT_TRUE(here.contains("mask.logits") && here.contains("nodule.probability"));
  expect_equal(outputs({"@last"}, {{"image", image}}), here);
  expect_equal(outputs({"tiny", "--checkpoint", "best"}, {{"x", image}}), here);

  const auto grads = outputs({"tiny", "--grad"}, {{"image", image}});
  for (const char* name : {"grad.image", "grad.seg.E1.conv.weight", "grad.cls.S3.norm.bias",
                           "grad.head.mask.conv.weight", "grad.regularizer.mask.strength"})
    EXPECT_TRUE(grads.contains(name)) << name;
  EXPECT_FALSE(grads.contains("grad.regularizer.mask.energy"));
  ASSERT_EQ(hilum({"weights", "export", "tiny", "-o", "w.safetensors"}, parts()).code, 0);
  expect_equal(outputs({"tiny", "--weights", "w.safetensors"}, {{"image", image}}), here);

  expect_error(2, {"the input 'image' is [2,3,8,8]", "[N,1,H,W]"}, {"tiny"},
               {{"image", wave({2, 3, 8, 8})}});
  expect_error(2, {"'image' is missing", "u"}, {"tiny"}, {{"u", image}});
  expect_error(2, {"--set"}, {"tiny", "--set", "width=3"}, {{"image", image}});
  expect_error(2, {"Did you mean 'tiny'?"}, {"tinny"}, {{"image", image}});
}

}  // namespace
}  // namespace hilum::testing
