// SPDX-License-Identifier: Apache-2.0
// tv against the reference values, against loops, and against what theory says of it.
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

// Built in the given precision, in train mode.
std::shared_ptr<Regularizer> part(const Given& options, bool guided = false, int64_t dims = 2,
                                  torch::ScalarType type = torch::kDouble) {
  Values values;
  for (const auto& [name, data] : options) values[name] = {data, "test"};
  Shape image(static_cast<size_t>(dims) + 2, 1);
  Site site{.in = {image}, .image = image};
  if (guided) site.in.push_back({1, 1});
  const auto before = torch::get_default_dtype();
  torch::set_default_dtype(torch::scalarTypeToTypeMeta(type));
  auto made = kit::plugin("regularizer/tv").make(values, site);
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

double relative(const Tensor& ours, const Tensor& theirs) {
  return ((ours - theirs).abs().max() / theirs.abs().max()).item<double>();
}

class TvReference : public ::testing::TestWithParam<torch::ScalarType> {
 protected:
  void SetUp() override {
    const auto file = fs::path(HILUM_SOURCE_DIR) / ".." / "shared" / "ref" / "std_tv.safetensors";
    if (!fs::exists(file)) GTEST_SKIP() << file << " is absent";
    io = model::read_safetensors(file);
    u = io.at("u").to(GetParam()).clone().set_requires_grad(true);
  }
  const Tensor& at(const std::string& what, const std::string& name) const {
    return io.at(what + (GetParam() == torch::kFloat ? "_f32" : "_f64") + name);
  }
  std::map<std::string, Tensor> io;
  Tensor u;
  double tolerance = GetParam() == torch::kFloat ? 1e-5 : 1e-10;
};

TEST_P(TvReference, Rof) {
  // Its 0.1 was float32's in both precisions.
  const Given options{{"model", "rof"}, {"lambda", static_cast<double>(0.1F)}};
  const auto r = part(options, false, 2, GetParam());
  const Tensor y = r->forward(u, {}).sigmoid();
  (y * io.at("gy").to(GetParam())).sum().backward();
  EXPECT_LT(relative(y, at("rof", "_y")), tolerance);
  EXPECT_LT(relative(u.grad(), at("rof", "_gu")), tolerance);
  EXPECT_LT(relative(parameter(*r, "lambda").grad(), at("rof", "_glam")), tolerance);
}

TEST_P(TvReference, Penalty) {
  for (const bool isotropic : {true, false}) {
    const std::string name = isotropic ? "tviso" : "tvl1";
    const Given options{
        {"model", "penalty"}, {"norm", isotropic ? "isotropic" : "anisotropic"}, {"lambda", 1.0}};
    Given summed = options;
    summed["reduce"] = "sample";
    const Tensor z = part(summed)->forward(u, {});
    EXPECT_TRUE(z.is_same(u)) << "the logits are left alone";
    const Tensor loss = part(summed)->loss(z).at("tv");
    u.mutable_grad() = Tensor();
    loss.backward();
    EXPECT_LT(relative(loss, at(name, "")), tolerance);
    EXPECT_LT(relative(u.grad(), at(name, "_gu")), tolerance);
    const double voxels = 24 * 20;
    EXPECT_NEAR(part(options)->loss(u).at("tv").item<double>(), loss.item<double>() / voxels, 1e-7);
  }
}
INSTANTIATE_TEST_SUITE_P(Types, TvReference, ::testing::Values(torch::kFloat, torch::kDouble),
                         [](const auto& info) { return c10::toString(info.param); });

// The entropic model of facts, in loops over one sample [D,H,W]; u has λ2(1-c) subtracted.
struct Loops {
  std::array<int64_t, 3> size;
  double lambda, epsilon, step;
  bool isotropic;

  size_t place(std::array<int64_t, 3> at) const {
    return static_cast<size_t>((at[0] * size[1] + at[1]) * size[2] + at[2]);
  }
  template <class Work>
  void each(Work work) const {
    std::array<int64_t, 3> at{};
    for (at[0] = 0; at[0] < size[0]; ++at[0])
      for (at[1] = 0; at[1] < size[1]; ++at[1])
        for (at[2] = 0; at[2] < size[2]; ++at[2]) work(at);
  }
  std::vector<double> logits(const std::vector<double>& u,
                             const std::array<std::vector<double>, 3>& xi) const {
    std::vector<double> z(u.size());
    each([&](auto at) {
      double div = 0;
      for (size_t a = 0; a < 3; ++a) {
        auto back = at;
        if (--back[a] >= 0) div -= xi[a][place(back)];
        if (at[a] + 1 < size[a]) div += xi[a][place(at)];
      }
      z[place(at)] = (u[place(at)] - div) / epsilon;
    });
    return z;
  }
  std::vector<double> run(const std::vector<double>& u, int64_t iterations) const {
    std::array<std::vector<double>, 3> xi;
    for (auto& part : xi) part.assign(u.size(), 0);
    std::vector<double> z = logits(u, xi);
    const auto x = [&](std::array<int64_t, 3> at) { return 1 / (1 + std::exp(-z[place(at)])); };
    for (int64_t t = 0; t < iterations; ++t) {
      each([&](auto at) {
        double squares = 0;
        for (size_t a = 0; a < 3; ++a) {
          auto next = at;
          if (++next[a] == size[a]) continue;
          double& v = xi[a][place(at)];
          v -= step * (x(next) - x(at));
          if (!isotropic) v = std::clamp(v, -lambda, lambda);
          squares += v * v;
        }
        if (isotropic && squares > lambda * lambda)
          for (auto& part : xi) part[place(at)] *= lambda / std::sqrt(squares);
      });
      z = logits(u, xi);
    }
    return z;
  }
};

TEST(TvEntropic, EqualsPlainLoops) {
  for (const bool isotropic : {true, false})
    for (const int64_t dims : {2, 3}) {
      const std::array<int64_t, 3> size{dims == 2 ? 1 : 4, 7, 5};
      const Tensor u =
          noise(dims == 2 ? std::vector<int64_t>{1, 1, 7, 5} : std::vector<int64_t>{1, 1, 4, 7, 5});
      const auto r = part({{"lambda", 0.4},
                           {"lambda2", 0.8},
                           {"epsilon", 0.6},
                           {"norm", isotropic ? "isotropic" : "anisotropic"}},
                          true, dims);
      const Tensor pull = (u - 0.8 * (1 - 0.3)).contiguous();
      const Loops loops{size, 0.4, 0.6, 0.6 / static_cast<double>(dims), isotropic};
      const auto z = loops.run({pull.data_ptr<double>(), pull.data_ptr<double>() + u.numel()}, 10);
      const Tensor ours = r->forward(u, torch::full({1, 1}, 0.3, torch::kDouble));
      EXPECT_LT((ours.flatten() - torch::tensor(z, torch::kDouble)).abs().max().item<double>(),
                1e-12)
          << dims << "D";
    }
}

// λ TV(x) - <x, div ξ>, where div ξ = u - ε z: never negative, 0 at the minimum.
double gap(const Tensor& u, double lambda, int64_t iterations, double step) {
  const torch::NoGradGuard no_grad;
  const Tensor z =
      part({{"lambda", lambda}, {"iterations", iterations}, {"step", step}})->forward(u, {});
  const Tensor x = z.sigmoid();
  const auto down = torch::constant_pad_nd(x.diff(1, 2), {0, 0, 0, 1});
  const auto right = torch::constant_pad_nd(x.diff(1, 3), {0, 1});
  return (lambda * (down.square() + right.square()).sqrt() - x * (u - z)).sum().item<double>();
}

TEST(TvEntropic, TheDualityGapCloses) {
  // A disc of radius 9 in noise of its own size, 48 x 48.
  torch::manual_seed(1);
  const Tensor r = torch::arange(48, torch::kDouble) - 23.5;
  const Tensor disc = (r.square().unsqueeze(1) + r.square()).le(81).to(torch::kDouble);
  const Tensor u = (2 * disc - 1 + 2 * torch::randn({48, 48}, torch::kDouble)).view({1, 1, 48, 48});
  for (const double lambda : {0.5, 1.0, 2.0})
    for (const double step : {0.0, 0.9}) {
      double last = gap(u, lambda, 1, step);
      for (const int64_t iterations : {10, 50, 500}) {
        const double now = gap(u, lambda, iterations, step);
        EXPECT_GT(now, -1e-9);
        EXPECT_LT(now, last / 3) << "lambda " << lambda << ", " << iterations << " iterations";
        RecordProperty("gap_" + std::to_string(lambda) + "_" + std::to_string(step) + "_" +
                           std::to_string(iterations),
                       std::to_string(now));
        last = now;
      }
    }
  EXPECT_LT(gap(u, 0.5, 10, 0), 50);
  EXPECT_LT(gap(u, 0.5, 50, 0), 2);
  EXPECT_LT(gap(u, 0.5, 500, 0), 0.01);
}

TEST(TvEntropic, WithoutWeightsItIsTheSigmoid) {
  const Tensor u = noise({2, 1, 9, 8});
  EXPECT_LT((part({{"lambda", 0.0}})->forward(u, {}) - u).abs().max().item<double>(), 1e-9);
  EXPECT_TRUE(
      part({}, true)
          ->forward(u, torch::ones({2, 1}, torch::kDouble))
          .equal(part({{"lambda2", 0.0}}, true)->forward(u, torch::zeros({2, 1}, torch::kDouble))));
}

TEST(TvEntropic, TheGuideIsNotTaught) {
  const Tensor u = noise({2, 1, 9, 8}).set_requires_grad(true);
  const Tensor c = torch::full({2, 1}, 0.4, torch::kDouble).set_requires_grad(true);
  part({}, true)->forward(u, c).sum().backward();
  EXPECT_TRUE(u.grad().defined());
  EXPECT_FALSE(c.grad().defined());
}

TEST(Tv, GradientsAgreeWithFiniteDifferences) {
  for (const char* model : {"entropic", "rof", "penalty"})
    for (const char* norm : {"isotropic", "anisotropic"})
      for (const int64_t dims : {2, 3}) {
        SCOPED_TRACE(std::string(model) + " " + norm + " " + std::to_string(dims) + "D");
        const auto r = part({{"model", model}, {"norm", norm}, {"lambda", 0.3}}, true, dims);
        const Tensor u = noise(dims == 2 ? std::vector<int64_t>{2, 1, 5, 4}
                                         : std::vector<int64_t>{2, 1, 3, 4, 3});
        const Tensor weights = u.cos(), c = torch::tensor({{0.2}, {0.9}}, torch::kDouble);
        const auto value = [&](const Tensor& logits) {
          const Tensor z = r->forward(logits, c);
          const Named terms = r->loss(z);
          return terms.empty() ? (z * weights).sum() : terms.at("tv");
        };
        u.set_requires_grad(true);
        value(u).backward();
        const auto check = [&](Tensor flat, const Tensor& slope, const std::string& what) {
          for (int64_t i = 0; i < flat.numel(); ++i) {
            const double h = 1e-6;
            flat[i] += h;
            const double above = value(u.detach()).item<double>();
            flat[i] -= 2 * h;
            const double below = value(u.detach()).item<double>();
            flat[i] += h;
            const double measured = (above - below) / (2 * h);
            EXPECT_NEAR(slope.flatten()[i].item<double>(), measured,
                        2e-6 * (1 + std::abs(measured)))
                << what << " " << i;
          }
        };
        check(u.detach().flatten(), u.grad(), "u");
        for (const auto& item : r->named_parameters())
          check(item.value().detach().flatten(), item.value().grad(), item.key());
      }
}

TEST(Tv, LargeLogitsStayFinite) {
  for (const char* model : {"entropic", "rof", "penalty"})
    for (const char* norm : {"isotropic", "anisotropic"})
      for (const double lambda : {0.0, 0.1, 10.0}) {
        SCOPED_TRACE(std::string(model) + " " + norm + " " + std::to_string(lambda));
        if (lambda == 0 && model == std::string("rof")) continue;
        const auto r =
            part({{"model", model}, {"norm", norm}, {"lambda", lambda}}, false, 2, torch::kFloat);
        const Tensor u = (noise({2, 1, 9, 8}) * 100).to(torch::kFloat);
        u.narrow(3, 0, 3).fill_(-46);  // differences whose squares float32 does not hold
        u.set_requires_grad(true);
        const Tensor z = r->forward(u, {});
        Tensor loss = z.sum();
        for (const auto& [name, term] : r->loss(z)) loss = loss + term;
        loss.backward();
        EXPECT_TRUE(z.isfinite().all().item<bool>());
        EXPECT_TRUE(u.grad().isfinite().all().item<bool>());
        for (const auto& p : r->parameters()) EXPECT_TRUE(p.grad().isfinite().all().item<bool>());
      }
}

TEST(Tv, ItSmooths) {
  const Tensor u = noise({1, 1, 16, 16});
  const auto roughness = [](const Tensor& z) {
    return (z.sigmoid().diff(1, 2).abs().sum() + z.sigmoid().diff(1, 3).abs().sum()).item<double>();
  };
  for (const char* model : {"entropic", "rof"})
    for (const char* norm : {"isotropic", "anisotropic"}) {
      const auto at = [&](double lambda) {
        return roughness(
            part({{"model", model}, {"norm", norm}, {"lambda", lambda}})->forward(u, {}));
      };
      EXPECT_LT(at(0.1), roughness(u)) << model << " " << norm;
      EXPECT_LT(at(0.5), at(0.1)) << model << " " << norm;
    }
}

TEST(Tv, AStepOfNoneIsTheModelsOwn) {
  for (const int64_t dims : {2, 3}) {
    const Tensor u =
        noise(dims == 2 ? std::vector<int64_t>{1, 1, 6, 5} : std::vector<int64_t>{1, 1, 4, 6, 5});
    const double d = static_cast<double>(dims);
    for (const auto& [model, own] :
         std::map<std::string, double>{{"entropic", 0.7 / d}, {"rof", 0.5 / d}}) {
      const Given options{{"model", model}, {"epsilon", 0.7}};
      Given with = options;
      with["step"] = own;
      EXPECT_TRUE(
          part(options, false, dims)->forward(u, {}).equal(part(with, false, dims)->forward(u, {})))
          << model << " " << dims << "D";
      with["step"] = own / 2;
      EXPECT_FALSE(part(options, false, dims)
                       ->forward(u, {})
                       .equal(part(with, false, dims)->forward(u, {})));
    }
  }
}

TEST(Tv, OnlyWhatIsUsedIsLearned) {
  EXPECT_THAT(parameters(*part({}, true)), ElementsAre("lambda", "lambda2"));
  EXPECT_THAT(parameters(*part({})), ElementsAre("lambda"));
  EXPECT_THAT(parameters(*part({{"model", "rof"}}, true)), ElementsAre("lambda"));
  EXPECT_THAT(parameters(*part({{"model", "penalty"}}, true)), IsEmpty());
  EXPECT_THAT(parameters(*part({{"learn", Strings{}}}, true)), IsEmpty());
  const auto r = part({{"lr_factor", 5.0}, {"lambda", 0.25}});
  EXPECT_THAT(r->lr_scales(), ElementsAre(std::pair<const std::string, double>("lambda", 5)));
  EXPECT_TRUE(r->loss(noise({1, 1, 3, 3})).empty());
  parameter(*r, "lambda").data().fill_(-1);
  r->forward(noise({1, 1, 3, 3}), {});
  EXPECT_EQ(r->take_logs().at("lambda").item<double>(), 0);
  EXPECT_EQ(parameter(*r, "lambda").item<double>(), 0) << "put back to its bound";
}

TEST(Tv, RofRefusesToDivideByZero) {
  EXPECT_THAT(kit::error_of([] {
                part({{"model", "rof"}, {"lambda", 0.0}});
              }).what(),
              HasSubstr("at least 0.001"));
}
}  // namespace
}  // namespace hilum
