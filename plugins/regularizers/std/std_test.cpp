// SPDX-License-Identifier: Apache-2.0
// std against the reference values, against loops, and against what theory says of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/model/safetensors.hpp"
#include "hilum/plugin.hpp"
#include "tests/parts/kit.hpp"

namespace hilum {
namespace {
namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Given = std::map<std::string, Data>;

Values values_of(const Given& options) {
  Values values;
  for (const auto& [name, data] : options) values[name] = {data, "test"};
  return values;
}

// Built in the given precision, in train mode.
std::shared_ptr<Regularizer> part(const Given& options, bool guided = true, int64_t dims = 2,
                                  torch::ScalarType type = torch::kDouble) {
  Shape image(static_cast<size_t>(dims) + 2, 1);
  Site site{.in = {image}, .image = image};
  if (guided) site.in.push_back({1, 1});
  const auto before = torch::get_default_dtype();
  torch::set_default_dtype(torch::scalarTypeToTypeMeta(type));
  auto made = kit::plugin("regularizer/std").make(values_of(options), site);
  torch::set_default_dtype(before);
  made->train();
  return std::dynamic_pointer_cast<Regularizer>(made);
}

Tensor parameter(const Regularizer& r, const std::string& name) {
  return r.named_parameters()[name];
}
Strings parameters(const Regularizer& r) { return r.named_parameters().keys(); }

Tensor noise(const std::vector<int64_t>& sizes) {
  torch::manual_seed(5);
  return 2 * torch::randn(sizes, torch::kDouble);
}

double relative(const Tensor& ours, const Tensor& theirs, double least = 0) {
  return ((ours - theirs).abs().max() / theirs.abs().max().clamp_min(least)).item<double>();
}

class StdReference : public ::testing::TestWithParam<torch::ScalarType> {};

TEST_P(StdReference, ValuesAndGradients) {
  const auto file = fs::path(HILUM_SOURCE_DIR) / ".." / "shared" / "ref" / "std_tv.safetensors";
  if (!fs::exists(file)) GTEST_SKIP() << file << " is absent";
  const auto io = model::read_safetensors(file);
  const auto type = GetParam();
  const double tolerance = type == torch::kFloat ? 1e-5 : 1e-10;
  const Tensor c = io.at("c").to(type).unsqueeze(1), gy = io.at("gy").to(type);
  int compared = 0;
  for (const int64_t half : {1, 2, 3})
    for (const char* epsilon : {"1.0", "0.5"})
      for (const char* sigma : {"0.8", "1.0", "2.0"})
        for (const int64_t iterations : {1, 10}) {
          const std::string name = "std_k" + std::to_string(2 * half + 1) + "_eps" + epsilon +
                                   "_s" + sigma + "_T" + std::to_string(iterations) +
                                   (type == torch::kFloat ? "_f32_" : "_f64_");
          SCOPED_TRACE(name);
          const auto r = part({{"half_size", half},
                               {"epsilon", std::stod(epsilon)},
                               {"sigma", static_cast<double>(std::stof(sigma))},  // as it had it
                               {"iterations", iterations}},
                              true, 2, type);
          const Tensor u = io.at("u").to(type).clone().set_requires_grad(true);
          const Tensor y = r->forward(u, c).sigmoid();
          (y * gy).sum().backward();
          EXPECT_EQ(y.scalar_type(), type);
          EXPECT_LT(relative(y, io.at(name + "y")), tolerance);
          EXPECT_LT(relative(u.grad(), io.at(name + "gu")), tolerance);
          // Its terms cancel, once to 0.002, where the reference's own float32 is off by 8e-6.
          const double least = type == torch::kFloat ? 0.01 : 0;
          EXPECT_LT(relative(parameter(*r, "sigma").grad(), io.at(name + "gsigma"), least),
                    tolerance);
          EXPECT_LT(relative(parameter(*r, "lambda2").grad(), io.at(name + "gl2")), tolerance);
          ++compared;
        }
  EXPECT_EQ(compared, 36);
}
INSTANTIATE_TEST_SUITE_P(Types, StdReference, ::testing::Values(torch::kFloat, torch::kDouble),
                         [](const auto& info) { return c10::toString(info.param); });

TEST(Std, GradientsOfAllQuantitiesAgreeWithFiniteDifferences) {
  const Strings all{"epsilon", "lambda1", "lambda2", "sigma"};
  for (const char* padding : {"zero", "replicate"})
    for (const int64_t dims : {2, 3}) {
      const auto r = part({{"learn", all}, {"padding", padding}, {"epsilon", 0.7}}, true, dims);
      const Tensor u = dims == 2 ? noise({2, 1, 7, 6}) : noise({2, 1, 4, 5, 3});
      const Tensor c = torch::tensor({{0.2}, {0.9}}, torch::kDouble), weights = u.cos();
      const auto value = [&] { return (r->forward(u, c) * weights).sum(); };
      value().backward();
      EXPECT_EQ(parameters(*r), all);
      for (const auto& name : all) {
        const Tensor p = parameter(*r, name);
        const auto moved = [&](double by) {
          p.data().add_(by);
          const double v = value().item<double>();
          p.data().sub_(by);
          return v;
        };
        const double measured = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        EXPECT_NEAR(p.grad().item<double>(), measured, 1e-6 * (1 + std::abs(measured))) << name;
      }
    }
}

// One iteration in plain loops: z = (u - λ1 K*(1-2x) - λ2(1-c)) / ε.
std::vector<double> by_hand(const std::vector<double>& u, int64_t rows, int64_t cols, double sigma,
                            int64_t h, bool replicate, double l1, double l2, double c, double eps) {
  double total = 0;
  const auto weight = [&](int64_t i, int64_t j) {
    return std::exp(-static_cast<double>(i * i + j * j) / (2 * sigma * sigma));
  };
  for (int64_t i = -h; i <= h; ++i)
    for (int64_t j = -h; j <= h; ++j) total += weight(i, j);
  std::vector<double> z;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t k = 0; k < cols; ++k) {
      double q = 0;
      for (int64_t i = -h; i <= h; ++i)
        for (int64_t j = -h; j <= h; ++j) {
          int64_t y = r + i, x = k + j;
          if (replicate)
            y = std::clamp<int64_t>(y, 0, rows - 1), x = std::clamp<int64_t>(x, 0, cols - 1);
          if (y < 0 || y >= rows || x < 0 || x >= cols) continue;
          const double p = 1 / (1 + std::exp(-u[static_cast<size_t>(y * cols + x)]));
          q += weight(i, j) / total * (1 - 2 * p);
        }
      z.push_back((u[static_cast<size_t>(r * cols + k)] - l1 * q - l2 * (1 - c)) / eps);
    }
  return z;
}

TEST(Std, OneIterationInPlainLoops) {
  for (const bool replicate : {false, true}) {
    const Tensor u = noise({1, 1, 3, 5});
    const auto r = part({{"iterations", int64_t{1}},
                         {"half_size", int64_t{2}},
                         {"sigma", 1.3},
                         {"lambda1", 0.8},
                         {"lambda2", 0.6},
                         {"epsilon", 0.5},
                         {"padding", replicate ? "replicate" : "zero"}});
    const auto z = by_hand({u.data_ptr<double>(), u.data_ptr<double>() + 15}, 3, 5, 1.3, 2,
                           replicate, 0.8, 0.6, 0.3, 0.5);
    const Tensor ours = r->forward(u, torch::full({1, 1}, 0.3, torch::kDouble));
    EXPECT_LT((ours.flatten() - torch::tensor(z, torch::kDouble)).abs().max().item<double>(), 1e-14)
        << (replicate ? "replicate" : "zero");
  }
}

TEST(Std, ACertainGuideIsNoClassTerm) {
  const Tensor u = noise({2, 1, 9, 8}), certain = torch::ones({2, 1}, torch::kDouble);
  const Tensor with = part({})->forward(u, certain);
  EXPECT_TRUE(with.equal(part({{"lambda2", 0.0}})->forward(u, 0.3 * certain)));
  EXPECT_TRUE(with.equal(part({}, false)->forward(u, {})));
  const auto volume = [](const Tensor& z) { return z.sigmoid().sum().item<double>(); };
  EXPECT_LT(volume(part({})->forward(u, 0.3 * certain)), volume(with));
}

TEST(Std, WithoutWeightsItIsTheSigmoid) {
  const Tensor u = noise({2, 1, 9, 8}), c = torch::rand({2, 1}, torch::kDouble);
  EXPECT_TRUE(part({{"lambda1", 0.0}, {"lambda2", 0.0}})->forward(u, c).equal(u));
  EXPECT_TRUE(part({{"iterations", int64_t{0}}})->forward(u, c).equal(u));
}

TEST(Std, TheGuideIsNotTaught) {
  const Tensor u = noise({2, 1, 9, 8}).set_requires_grad(true);
  const Tensor c = torch::full({2, 1}, 0.4, torch::kDouble).set_requires_grad(true);
  part({})->forward(u, c).sum().backward();
  EXPECT_TRUE(u.grad().defined());
  EXPECT_FALSE(c.grad().defined());
}

// The kernel is positive semi-definite where the transform of one axis is nowhere negative: zero
// padding cuts a block out of such a matrix, and several axes are its Kronecker product.
bool semi_definite(int64_t h, double sigma) {
  for (double w = 0; w <= 3.15; w += 0.001) {
    double sum = 1;
    for (int64_t r = 1; r <= h; ++r) {
      const auto d = static_cast<double>(r);
      sum += 2 * std::exp(-d * d / (2 * sigma * sigma)) * std::cos(d * w);
    }
    if (sum < 0) return false;
  }
  return true;
}

TEST(Std, EnergyFallsWhereTheKernelIsSemiDefinite) {
  const Tensor u = noise({2, 1, 16, 14}), c = torch::tensor({{0.1}, {0.8}}, torch::kDouble);
  Strings proven;
  for (const int64_t h : {1, 2, 3, 7})
    for (const double sigma : {0.5, 0.8, 1.0, 2.0, 10.0}) {
      if (!semi_definite(h, sigma)) continue;
      proven.push_back(std::to_string(h) + "/" + std::to_string(sigma).substr(0, 3));
      for (const double lambda1 : {1.0, 10.0})
        for (const double epsilon : {0.3, 1.0}) {
          const auto r = part({{"half_size", h},
                               {"sigma", sigma},
                               {"lambda1", lambda1},
                               {"epsilon", epsilon},
                               {"energy", true}});
          r->forward(u, c);
          const Tensor energy = r->take_logs().at("energy");
          ASSERT_EQ(energy.sizes(), c10::IntArrayRef({11}));
          EXPECT_LT(energy.diff().max().item<double>(), 1e-11)
              << "half_size " << h << ", sigma " << sigma << ", lambda1 " << lambda1 << ", epsilon "
              << epsilon << ": " << energy;
          EXPECT_LT(energy[10].item<double>(), energy[0].item<double>());
        }
    }
  EXPECT_THAT(proven, ElementsAre("1/0.5", "1/0.8", "2/0.5", "2/0.8", "2/1.0", "3/0.5", "3/0.8",
                                  "3/1.0", "7/0.5", "7/0.8", "7/1.0"));
}

TEST(Std, EnergyOfOneVoxelByHand) {
  const auto r = part({{"iterations", int64_t{1}},
                       {"half_size", int64_t{1}},
                       {"lambda1", 2.0},
                       {"epsilon", 0.5},
                       {"energy", true}});
  r->forward(torch::full({1, 1, 1, 1}, 0.3, torch::kDouble),
             torch::full({1, 1}, 0.4, torch::kDouble));
  const double x = 1 / (1 + std::exp(-0.3)), side = 1 / (1 + 2 * std::exp(-0.5));
  const double expected = -0.3 * x + 0.5 * (x * std::log(x) + (1 - x) * std::log(1 - x)) +
                          2 * x * side * side * (1 - x) + 0.5 * 0.6 * x;
  EXPECT_NEAR(r->take_logs().at("energy")[0].item<double>(), expected, 1e-14);
}

TEST(Std, AVolumeThatIsConstantAlongAnAxisIsAnImage) {
  const Tensor u = noise({2, 1, 9, 8}), c = torch::tensor({{0.1}, {0.8}}, torch::kDouble);
  for (const bool replicate : {true, false})
    for (const int64_t axis : {2, 3, 4}) {
      const Given options{{"iterations", int64_t{2}},
                          {"half_size", int64_t{2}},
                          {"padding", replicate ? "replicate" : "zero"}};
      const Tensor image = part(options)->forward(u, c);
      // Zeros come in from the ends, half_size voxels an iteration: the middle of nine has none.
      const Tensor volume =
          part(options, true, 3)->forward(u.unsqueeze(axis).repeat_interleave(9, axis), c);
      const Tensor slice = volume.select(axis, 4);
      EXPECT_LT((slice - image).abs().max().item<double>(), 1e-13)
          << "axis " << axis << (replicate ? ", replicate" : ", zero");
    }
}

TEST(Std, ChannelsAreApart) {
  const Tensor u = noise({2, 3, 9, 8}), c = torch::tensor({{0.1}, {0.8}}, torch::kDouble);
  const auto r = part({});
  const Tensor all = r->forward(u, c);
  for (int64_t k = 0; k < 3; ++k)
    EXPECT_LT((all.narrow(1, k, 1) - r->forward(u.narrow(1, k, 1), c)).abs().max().item<double>(),
              1e-14);
}

TEST(Std, EveryPositivityStartsAtTheSameValueAndSlope) {
  const Tensor u = noise({2, 1, 9, 8}), c = torch::tensor({{0.1}, {0.8}}, torch::kDouble);
  const Strings all{"epsilon", "lambda1", "lambda2", "sigma"};
  std::map<std::string, Tensors> found;
  for (const char* positivity : {"project", "softplus", "none"}) {
    const auto r = part({{"positivity", positivity}, {"learn", all}});
    r->keep_graph(true);
    const Tensor z = r->forward(u, c);
    const Named logs = r->take_logs();
    found[positivity] = {z};
    for (const auto& name : all) {
      EXPECT_NEAR(logs.at(name).item<double>(), name == "lambda2" ? 0.5 : 1, 1e-15);
      found[positivity].push_back(torch::autograd::grad({z.sum()}, {logs.at(name)}, {}, true)[0]);
    }
    EXPECT_EQ(parameters(*r).back(), positivity == std::string("softplus") ? "sigma_raw" : "sigma");
  }
  for (const char* other : {"softplus", "none"})
    for (size_t i = 0; i < found.at(other).size(); ++i)
      EXPECT_LT(relative(found.at(other)[i], found.at("project")[i]), 1e-12) << other << " " << i;
}

TEST(Std, AValueBelowItsBoundComesBackInTraining) {
  const Tensor u = noise({2, 1, 9, 8}), c = torch::tensor({{0.1}, {0.8}}, torch::kDouble);
  const Tensor least = part({{"sigma", 0.1}})->forward(u, c);
  const auto r = part({});
  parameter(*r, "sigma").data().fill_(-3);
  r->eval();
  EXPECT_TRUE(r->forward(u, c).equal(least));
  EXPECT_EQ(parameter(*r, "sigma").item<double>(), -3) << "eval mode changes nothing";
  r->train();
  EXPECT_TRUE(r->forward(u, c).equal(least));
  EXPECT_EQ(parameter(*r, "sigma").item<double>(), 0.1);
  const auto free = part({{"positivity", "none"}});
  parameter(*free, "lambda2").data().fill_(-1);  // a certain guide, a larger volume
  EXPECT_GT(free->forward(u, c).sum().item<double>(), r->forward(u, c).sum().item<double>());
  EXPECT_EQ(parameter(*free, "lambda2").item<double>(), -1);
}

// Two forwards, then both backwards: putting a value back must not spoil the first graph.
TEST(Std, TwoForwardsBeforeABackward) {
  const auto r = part({});
  const Tensor u = noise({1, 1, 5, 5}), c = torch::full({1, 1}, 0.5, torch::kDouble);
  const Tensor first = r->forward(u, c).sum(), second = r->forward(u, c).sum();
  EXPECT_NO_THROW((first + second).backward());
}

TEST(Std, OnlyWhatIsListedIsLearned) {
  EXPECT_THAT(parameters(*part({})), ElementsAre("lambda2", "sigma"));
  EXPECT_THAT(parameters(*part({}, false)), ElementsAre("sigma"));
  EXPECT_THAT(parameters(*part({{"learn", Strings{}}})), IsEmpty());
  EXPECT_THAT(parameters(*part({{"iterations", int64_t{0}}})), IsEmpty());
  const auto r = part({{"learn", Strings{"epsilon"}}, {"lr_factor", 5.0}});
  EXPECT_THAT(r->lr_scales(), ElementsAre(std::pair<const std::string, double>("epsilon", 5)));
  r->forward(noise({1, 1, 5, 5}), {});
  const Named logs = r->take_logs();
  ASSERT_EQ(logs.size(), 1U);
  EXPECT_EQ(logs.at("epsilon").item<double>(), 1);
}

TEST(Std, SoftplusCannotStartAtItsBound) {
  const Given options{{"positivity", "softplus"}, {"lambda2", 0.0}};
  EXPECT_THAT(kit::error_of([&] { part(options); }).what(), HasSubstr("'softplus'"));
  Given fixed = options;
  fixed["learn"] = Strings{"sigma"};
  EXPECT_NO_THROW(part(fixed));
}

TEST(Std, LargeLogitsStayFinite) {
  for (const double epsilon : {1e-3, 1.0})
    for (const bool energy : {false, true}) {
      const auto r = part({{"epsilon", epsilon}, {"energy", energy}}, true, 2, torch::kFloat);
      const Tensor u = (noise({2, 1, 9, 8}) * 1000).to(torch::kFloat).set_requires_grad(true);
      r->forward(u, torch::full({2, 1}, 0.5)).sigmoid().sum().backward();
      EXPECT_TRUE(u.grad().isfinite().all().item<bool>());
      EXPECT_TRUE(parameter(*r, "sigma").grad().isfinite().all().item<bool>());
      for (const auto& [name, value] : r->take_logs())
        EXPECT_TRUE(value.isfinite().all().item<bool>()) << name;
    }
}
}  // namespace
}  // namespace hilum
