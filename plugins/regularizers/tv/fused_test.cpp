// SPDX-License-Identifier: Apache-2.0
// The kernels for a CPU against the unrolled iterations, which are what float64 is computed with.
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

const std::vector<std::pair<std::string, std::string>> kKinds{{"rof", "isotropic"},
                                                              {"rof", "anisotropic"},
                                                              {"entropic", "isotropic"},
                                                              {"entropic", "anisotropic"}};

std::shared_ptr<Regularizer> part(Given options, torch::ScalarType type) {
  options.try_emplace("lambda", 0.125);
  Values values;
  for (const auto& [name, data] : options) values[name] = {data, "test"};
  const Shape image(4, 1);
  const auto before = torch::get_default_dtype();
  torch::set_default_dtype(torch::scalarTypeToTypeMeta(type));
  auto made = kit::plugin("regularizer/tv").make(values, {.in = {image, {1, 1}}, .image = image});
  torch::set_default_dtype(before);
  made->train();
  return std::dynamic_pointer_cast<Regularizer>(made);
}

// Logits and what their results are weighed with, in float64; float32 holds them exactly.
struct Example {
  explicit Example(const std::vector<int64_t>& sizes) {
    torch::manual_seed(3);
    const auto some = [&] { return torch::randn(sizes, torch::kFloat).to(torch::kDouble); };
    u = some(), weights = some() + 0.25;
    c = torch::rand({sizes[0], 1}, torch::kFloat).to(torch::kDouble);
  }
  Tensor u, weights, c;
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

// Somewhere before z: rof's is a logit of what the kernel gives.
bool is_fused(const Tensor& z) {
  auto node = z.grad_fn();
  for (int steps = 0; node && steps < 3; ++steps) {
    if (node->name().find("Fused") != std::string::npos) return true;
    node = node->num_outputs() == 0 ? nullptr : node->next_edge(0).function;
  }
  return false;
}

// A sum of terms that cancel is as exact as they are large: λ's have 1/λ² as a factor.
void expect_close(const Named& ours, const Named& theirs, double tolerance, double terms) {
  ASSERT_EQ(ours.size(), theirs.size());
  for (const auto& [name, value] : ours) {
    const Tensor other = theirs.at(name);
    const double size = other.abs().max().item<double>();
    const double least = name.find("lambda") == 0 ? 0.3 * std::sqrt(terms) : 0;
    EXPECT_LE((value.to(torch::kDouble) - other).abs().max().item<double>(),
              tolerance * std::max(size, least))
        << name << " of size " << size;
  }
}

TEST(TvFused, FloatAgreesWithTheUnrolledIterationsInDouble) {
  const std::vector<std::vector<int64_t>> sizes{{1, 1, 1, 1},   {1, 1, 1, 9},    {1, 1, 9, 1},
                                                {2, 1, 3, 2},   {3, 2, 17, 5},   {2, 3, 33, 18},
                                                {2, 1, 64, 64}, {1, 1, 128, 128}};
  for (const auto& size : sizes)
    for (const auto& [model, norm] : kKinds) {
      SCOPED_TRACE(testing::Message() << size << " " << model << " " << norm);
      const Given options{{"model", model}, {"norm", norm}, {"epsilon", 0.75}};
      const auto ours = part(options, torch::kFloat), theirs = part(options, torch::kDouble);
      const Example e(size);
      EXPECT_TRUE(is_fused(ours->forward(e.u.to(torch::kFloat), e.c.to(torch::kFloat))));
      EXPECT_FALSE(is_fused(theirs->forward(e.u, e.c)));
      expect_close(run(*ours, e, torch::kFloat), run(*theirs, e, torch::kDouble), 1e-5,
                   static_cast<double>(e.u.numel()));
    }
}

// The kernels' double instantiation, against what tv.cpp unrolls and against differences.
TEST(TvFused, DoubleIsExact) {
  for (const auto& [model, norm] : kKinds)
    for (const int64_t iterations : {1, 2, 7}) {
      SCOPED_TRACE(testing::Message() << model << " " << norm << " " << iterations);
      const bool rof = model == "rof", isotropic = norm == "isotropic";
      const Example e({2, 2, 5, 3});
      const auto r = part({{"iterations", iterations},
                           {"step", 0.2},
                           {"epsilon", 0.75},
                           {"model", model},
                           {"norm", norm}},
                          torch::kDouble);
      const Named theirs = run(*r, e, torch::kDouble);
      const auto leaf = [](const Tensor& t) { return t.detach().clone().set_requires_grad(true); };
      const Tensor u = leaf(e.u), lambda = leaf(r->named_parameters()["lambda"]);
      const Tensor lambda2 = rof ? Tensor() : leaf(r->named_parameters()["lambda2"]);
      const auto value = [&] {
        if (rof)
          return total_variation::fused_rof(u.sigmoid(), lambda, iterations, isotropic, 0.2)
              .logit(1e-6);
        return total_variation::fused_entropic(u, lambda2 * (1 - e.c.view({2, 1, 1, 1})), lambda,
                                               {iterations, isotropic, 0.75, 0.2});
      };
      const Tensor z = value();
      ASSERT_TRUE(is_fused(z));
      (z * e.weights).sum().backward();
      Named ours{{"z", z}, {"u", u.grad()}, {"lambda", lambda.grad()}};
      Tensors moved{u, lambda};
      if (!rof) ours["lambda2"] = lambda2.grad(), moved.push_back(lambda2);
      expect_close(ours, theirs, 1e-12, 1);
      const torch::NoGradGuard no_grad;
      EXPECT_TRUE(value().equal(z)) << "without a graph";
      for (const Tensor& x : moved)
        for (int64_t i = 0; i < x.numel(); ++i) {
          const auto at = [&](double by) {
            x.view(-1)[i] += by;
            const double v = (value() * e.weights).sum().item<double>();
            x.view(-1)[i] -= by;
            return v;
          };
          const double measured = (at(1e-6) - at(-1e-6)) / 2e-6;
          EXPECT_NEAR(x.grad().view(-1)[i].item<double>(), measured,
                      2e-6 * (1 + std::abs(measured)));
        }
    }
}

TEST(TvFused, ThreadsAndRepeatsGiveTheSameBits) {
  const Example e({5, 2, 37, 65});
  for (const char* model : {"rof", "entropic"}) {
    const auto r = part({{"model", model}}, torch::kFloat);
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
}

TEST(TvFused, AnyLayoutOfTheLogits) {
  const Example e({2, 3, 8, 5});
  for (const char* model : {"rof", "entropic"}) {
    const auto r = part({{"model", model}}, torch::kFloat);
    const Tensor u = e.u.to(torch::kFloat), c = e.c.to(torch::kFloat), plain = r->forward(u, c);
    const Tensor turned = u.transpose(2, 3).contiguous().transpose(2, 3);
    ASSERT_FALSE(turned.is_contiguous());
    const Tensor last = u.contiguous(torch::MemoryFormat::ChannelsLast);
    // LibTorch's sigmoid may round differently where values are in another order.
    for (const Tensor& other : {turned, last})
      EXPECT_TRUE(r->forward(other, c).allclose(plain, 1e-6, 1e-6)) << model;
  }
}

TEST(TvFused, OnlyWhatIsLearnedHasAGradient) {
  const Example e({2, 1, 8, 5});
  for (const char* model : {"rof", "entropic"}) {
    const auto fixed = part({{"model", model}, {"learn", Strings{}}}, torch::kFloat);
    const Named all = run(*part({{"model", model}}, torch::kFloat), e, torch::kFloat);
    EXPECT_TRUE(run(*fixed, e, torch::kFloat).at("u").equal(all.at("u")));
    EXPECT_FALSE(fixed->forward(e.u.to(torch::kFloat), e.c.to(torch::kFloat)).requires_grad());
  }
}

TEST(TvFused, WhereItDoesNotApply) {
  const Tensor u = torch::zeros({1, 1, 4, 4}, torch::kFloat), one = torch::ones({1}, torch::kFloat);
  EXPECT_TRUE(total_variation::fuses(u, {Tensor(), one}));
  EXPECT_FALSE(total_variation::fuses(u.unsqueeze(2), {}));
  EXPECT_FALSE(total_variation::fuses(u.to(torch::kDouble), {}));
  EXPECT_FALSE(total_variation::fuses(u, {one, one.to(torch::kDouble)}));
  EXPECT_FALSE(total_variation::fuses(u.narrow(0, 0, 0), {}));
  setenv("HILUM_FUSED", "0", 1);
  EXPECT_FALSE(total_variation::fuses(u, {}));
  unsetenv("HILUM_FUSED");
  const auto work = [](torch::jit::Stack in) {
    EXPECT_FALSE(total_variation::fuses(in[0].toTensor(), {}));
    return in;
  };
  torch::jit::tracer::trace({u}, work, [](const Tensor&) { return std::string(); });
}

TEST(TvFused, AGradientOfItsGradientIsRefused) {
  for (const char* model : {"rof", "entropic"}) {
    const auto r = part({{"model", model}}, torch::kFloat);
    const Tensor u = torch::ones({1, 1, 4, 4}, torch::kFloat).set_requires_grad(true);
    const Tensor z = r->forward(u, {}).sum();
    EXPECT_THAT(kit::error_of([&] { torch::autograd::grad({z}, {u}, {}, true, true); }).what(),
                HasSubstr("HILUM_FUSED=0"));
  }
}
}  // namespace
}  // namespace hilum
