// SPDX-License-Identifier: Apache-2.0
// The kernel for a CPU against the unrolled iterations, which are what float64 is computed with.
#include "fused.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/torch.h>

#include "hilum/plugin.hpp"
#include "tests/parts/kit.hpp"

namespace hilum {
namespace {
using ::testing::HasSubstr;
using Given = std::map<std::string, Data>;

const Strings kAll{"epsilon", "lambda1", "lambda2", "sigma"};

std::shared_ptr<Regularizer> part(Given options, torch::ScalarType type, int64_t dims = 2) {
  options.try_emplace("learn", kAll);
  options.try_emplace("epsilon", 0.8);
  options.try_emplace("sigma", 1.25);
  Values values;
  for (const auto& [name, data] : options) values[name] = {data, "test"};
  const Shape image(static_cast<size_t>(dims) + 2, 1);
  const auto before = torch::get_default_dtype();
  torch::set_default_dtype(torch::scalarTypeToTypeMeta(type));
  auto made = kit::plugin("regularizer/std").make(values, {.in = {image, {1, 1}}, .image = image});
  torch::set_default_dtype(before);
  made->train();
  return std::dynamic_pointer_cast<Regularizer>(made);
}

// Logits and what their results are weighed with, in float64; float32 holds them exactly.
struct Example {
  explicit Example(const std::vector<int64_t>& sizes, uint64_t seed = 3) {
    torch::manual_seed(seed);
    const auto some = [](const std::vector<int64_t>& of) {
      return torch::randn(of).to(torch::kDouble);
    };
    u = 2 * some(sizes), weights = some(sizes) + 0.25;
    c = torch::rand({sizes[0], 1}).to(torch::kDouble);
  }
  Tensor u, c, weights;
};

// z, then the gradients of u and of all learned values.
Named run(Regularizer& r, const Example& e, torch::ScalarType type) {
  const Tensor u = e.u.to(type).clone().set_requires_grad(true);
  const Tensor z = r.forward(u, e.c.to(type));
  for (auto& p : r.parameters()) p.mutable_grad() = Tensor();
  (z * e.weights.to(type)).sum().backward();
  Named all{{"z", z.detach()}, {"u", u.grad()}};
  for (const auto& p : r.named_parameters()) all[p.key()] = p.value().grad();
  return all;
}

bool is_fused(const Tensor& z) {
  return z.grad_fn() && z.grad_fn()->name().find("Fused") != std::string::npos;
}

// A sum of terms that cancel is as exact as they are large: `terms` of about 1.
void expect_close(const Named& ours, const Named& theirs, double tolerance, double terms) {
  ASSERT_EQ(ours.size(), theirs.size());
  for (const auto& [name, value] : ours) {
    const Tensor other = theirs.at(name);
    const double size = other.abs().max().item<double>();
    const double least = name == "z" || name == "u" ? 0 : 0.05 * std::sqrt(terms);
    EXPECT_LT((value.to(torch::kDouble) - other).abs().max().item<double>(),
              tolerance * std::max(size, least))
        << name << " of size " << size;
  }
}

TEST(StdFused, FloatAgreesWithTheUnrolledIterationsInDouble) {
  const std::vector<std::vector<int64_t>> sizes{{1, 1, 1, 1},    {1, 1, 1, 9},   {2, 1, 3, 2},
                                                {3, 2, 17, 5},   {2, 3, 33, 18}, {2, 1, 64, 64},
                                                {1, 1, 128, 128}};
  for (const auto& size : sizes)
    for (const char* padding : {"zero", "replicate"})
      for (const int64_t half : {1, 2, 3, 4, 5}) {
        SCOPED_TRACE(testing::Message() << size << " " << padding << " " << half);
        const Given options{{"half_size", half}, {"padding", padding}, {"lambda1", 1.5}};
        const auto ours = part(options, torch::kFloat), theirs = part(options, torch::kDouble);
        const Example e(size);
        EXPECT_EQ(is_fused(ours->forward(e.u.to(torch::kFloat), e.c.to(torch::kFloat))), half < 5);
        EXPECT_FALSE(is_fused(theirs->forward(e.u, e.c)));
        // What both start from, to the last digit.
        for (const auto& p : theirs->named_parameters())
          p.value().data().copy_(ours->named_parameters()[p.key()].detach());
        expect_close(run(*ours, e, torch::kFloat), run(*theirs, e, torch::kDouble), 1e-5,
                     static_cast<double>(e.u.numel()));
      }
}

// The kernel's double instantiation, against what std.cpp unrolls and against differences.
TEST(StdFused, DoubleIsExact) {
  for (const bool replicate : {false, true})
    for (const int64_t half : {1, 2, 3, 4})
      for (const int64_t iterations : {1, 2, 7}) {
        SCOPED_TRACE(testing::Message() << replicate << " " << half << " " << iterations);
        const Example e({2, 2, 5, 3});
        const auto r = part({{"half_size", half},
                             {"iterations", iterations},
                             {"padding", replicate ? "replicate" : "zero"}},
                            torch::kDouble);
        Named theirs = run(*r, e, torch::kDouble);
        const auto leaf = [](const Tensor& t) {
          return t.detach().clone().set_requires_grad(true);
        };
        const auto parameters = r->named_parameters();
        const Tensor u = leaf(e.u), sigma = leaf(parameters["sigma"]),
                     lambda1 = leaf(parameters["lambda1"]), lambda2 = leaf(parameters["lambda2"]),
                     epsilon = leaf(parameters["epsilon"]);
        const auto value = [&] {
          const Tensor d = torch::arange(half + 1, torch::kDouble);
          const Tensor g = (-d * d / (2 * sigma * sigma)).exp();
          return soft_threshold::fused(u, lambda2 * (1 - e.c.view({2, 1, 1, 1})),
                                       g / (2 * g.sum() - 1), lambda1, epsilon,
                                       {iterations, replicate});
        };
        const Tensor z = value();
        ASSERT_TRUE(is_fused(z));
        (z * e.weights).sum().backward();
        expect_close({{"z", z},
                      {"u", u.grad()},
                      {"sigma", sigma.grad()},
                      {"lambda1", lambda1.grad()},
                      {"lambda2", lambda2.grad()},
                      {"epsilon", epsilon.grad()}},
                     theirs, 1e-12, 1);
        const torch::NoGradGuard no_grad;
        EXPECT_TRUE(value().equal(z)) << "without a graph";
        for (const Tensor& x : {u, sigma, lambda1, lambda2, epsilon})
          for (int64_t i = 0; i < x.numel(); ++i) {
            const auto at = [&](double by) {
              x.view(-1)[i] += by;
              const double v = (value() * e.weights).sum().item<double>();
              x.view(-1)[i] -= by;
              return v;
            };
            const double measured = (at(1e-5) - at(-1e-5)) / 2e-5;
            EXPECT_NEAR(x.grad().view(-1)[i].item<double>(), measured,
                        1e-6 * (1 + std::abs(measured)));
          }
      }
}

TEST(StdFused, ThreadsAndRepeatsGiveTheSameBits) {
  const Example e({5, 2, 37, 65});
  const auto r = part({}, torch::kFloat);
  const int before = at::get_num_threads();
  std::vector<Named> all;
  for (const int threads : {1, 2, 2, 3}) {
    at::set_num_threads(threads);
    all.push_back(run(*r, e, torch::kFloat));
  }
  at::set_num_threads(before);
  for (const auto& other : all)
    for (const auto& [name, value] : other) EXPECT_TRUE(value.equal(all[0].at(name))) << name;
}

TEST(StdFused, ASampleDoesNotDependOnItsCompany) {
  const Example e({4, 1, 19, 21});
  const auto r = part({}, torch::kFloat);
  const Tensor u = e.u.to(torch::kFloat), c = e.c.to(torch::kFloat), all = r->forward(u, c);
  for (int64_t i = 0; i < 4; ++i)
    EXPECT_TRUE(all.narrow(0, i, 1).equal(r->forward(u.narrow(0, i, 1), c.narrow(0, i, 1))));
}

TEST(StdFused, AnyLayoutOfTheLogits) {
  const Example e({2, 3, 8, 5});
  const auto r = part({}, torch::kFloat);
  const Tensor u = e.u.to(torch::kFloat), c = e.c.to(torch::kFloat), plain = r->forward(u, c);
  const Tensor turned = u.transpose(2, 3).contiguous().transpose(2, 3);
  ASSERT_FALSE(turned.is_contiguous());
  EXPECT_TRUE(r->forward(turned, c).equal(plain));
  EXPECT_TRUE(r->forward(u.contiguous(torch::MemoryFormat::ChannelsLast), c).equal(plain));
}

TEST(StdFused, OnlyWhatIsLearnedHasAGradient) {
  const Example e({2, 1, 8, 5});
  const Named all = run(*part({}, torch::kFloat), e, torch::kFloat);
  for (const auto& name : kAll) {
    const Named one = run(*part({{"learn", Strings{name}}}, torch::kFloat), e, torch::kFloat);
    EXPECT_EQ(one.size(), 3U);
    for (const auto& [of, value] : one) EXPECT_TRUE(value.equal(all.at(of))) << of;
  }
  const auto fixed = part({{"learn", Strings{}}}, torch::kFloat);
  EXPECT_TRUE(run(*fixed, e, torch::kFloat).at("u").equal(all.at("u")));
  EXPECT_FALSE(fixed->forward(e.u.to(torch::kFloat), e.c.to(torch::kFloat)).requires_grad());
}

TEST(StdFused, WhereItDoesNotApply) {
  const Tensor u = torch::zeros({1, 1, 4, 4}, torch::kFloat), one = torch::ones({1}, torch::kFloat);
  EXPECT_TRUE(soft_threshold::fuses(u, 4, {Tensor(), one}));
  EXPECT_FALSE(soft_threshold::fuses(u, 5, {}));
  EXPECT_FALSE(soft_threshold::fuses(u.unsqueeze(2), 2, {}));
  EXPECT_FALSE(soft_threshold::fuses(u.to(torch::kDouble), 2, {}));
  EXPECT_FALSE(soft_threshold::fuses(u, 2, {one, one.to(torch::kDouble)}));
  EXPECT_FALSE(soft_threshold::fuses(u.narrow(0, 0, 0), 2, {}));
  EXPECT_FALSE(is_fused(part({{"energy", true}}, torch::kFloat)->forward(u, one.view({1, 1}))));
  setenv("HILUM_FUSED", "0", 1);
  EXPECT_FALSE(soft_threshold::fuses(u, 2, {}));
  unsetenv("HILUM_FUSED");
  const auto work = [](torch::jit::Stack in) {
    EXPECT_FALSE(soft_threshold::fuses(in[0].toTensor(), 2, {}));
    return in;
  };
  torch::jit::tracer::trace({u}, work, [](const Tensor&) { return std::string(); });
}

TEST(StdFused, AGradientOfItsGradientIsRefused) {
  const auto r = part({}, torch::kFloat);
  const Tensor u = torch::ones({1, 1, 4, 4}, torch::kFloat).set_requires_grad(true);
  const Tensor z = r->forward(u, torch::zeros({1, 1}, torch::kFloat)).sum();
  EXPECT_THAT(kit::error_of([&] { torch::autograd::grad({z}, {u}, {}, true, true); }).what(),
              HasSubstr("HILUM_FUSED=0"));
}
}  // namespace
}  // namespace hilum
