// SPDX-License-Identifier: Apache-2.0
// Norm's own operations against LibTorch's, one after the other, in float64.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <atomic>
#include <hilum/norm.hpp>

#include "tests/unit/sdk/unfused.hpp"

namespace {
using hilum::Norm;
using torch::Tensor;

struct Case {
  std::vector<int64_t> sizes;
  bool add, relu, training;
  at::ScalarType type = at::kFloat;
};
std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << at::IntArrayRef(c.sizes) << (c.add ? " add" : "") << (c.relu ? " relu" : "")
             << (c.training ? " training " : " evaluation ") << c.type;
}

struct Found {
  Tensor y, dx, dadd, weight, bias, mean, variance;
  std::vector<std::pair<const char*, Tensor>> all() const {
    return {{"y", y},       {"dx", dx},     {"dadd", dadd},        {"weight", weight},
            {"bias", bias}, {"mean", mean}, {"variance", variance}};
  }
};

class NormTest : public testing::TestWithParam<Case> {
 protected:
  static Tensor image(at::ScalarType type) {
    const auto& sizes = GetParam().sizes;
    // A mean that is large beside the deviation, as after a convolution with a bias.
    return (torch::randn(sizes) + 3)
        .to(type)
        .contiguous(sizes.size() == 4 ? at::MemoryFormat::ChannelsLast
                                      : at::MemoryFormat::ChannelsLast3d);
  }
  static Norm made() {
    const int64_t channels = GetParam().sizes[1];
    Norm norm(channels);
    const torch::NoGradGuard no_grad;
    norm->weight.copy_(torch::linspace(-1, 1.5, channels));
    norm->bias.copy_(torch::linspace(-0.5, 0.5, channels));
    norm->running_mean.copy_(torch::linspace(2, 4, channels));
    norm->running_var.copy_(torch::linspace(0.5, 2, channels));
    norm->train(GetParam().training);
    return norm;
  }
  static Tensor called(Norm& norm, const Tensor& x, const Tensor& add) {
    const auto& c = GetParam();
    if (c.add) return c.relu ? norm->add_relu(x, add) : norm->add(x, add);
    return c.relu ? norm->relu(x) : norm(x);
  }
  static Found found(Norm norm, const Tensor& from, const Tensor& more, const Tensor& dy) {
    const Tensor x = from.detach().clone().requires_grad_(true);
    const Tensor add = more.detach().clone().requires_grad_(true);
    const Tensor y = called(norm, x, add);
    y.backward(dy.to(y.scalar_type()));
    return {y.detach(),
            x.grad(),
            GetParam().add ? add.grad() : Tensor(),
            norm->weight.grad(),
            norm->bias.grad(),
            norm->running_mean.clone(),
            norm->running_var.clone()};
  }
};

TEST_P(NormTest, IsLibTorchs) {
  torch::manual_seed(1);
  const auto type = GetParam().type;
  const Tensor x = image(type), add = image(type), dy = image(type) - 3;
  const Found own = found(made(), x, add, dy);
  Norm wide = made();
  wide->to(torch::kDouble);
  const Found reference =
      found(wide, x.to(torch::kDouble), add.to(torch::kDouble), dy.to(torch::kDouble));
  // A bfloat16 has 8 bits, so y and dx are rounded to 1/256; what is float32 is not.
  for (const auto& [name, value] : own.all()) {
    if (!value.defined()) continue;
    Tensor expected;
    for (const auto& [other, t] : reference.all())
      if (std::string(other) == name) expected = t;
    const double largest = expected.abs().max().item<double>();
    const double error = (value.to(torch::kDouble) - expected).abs().max().item<double>();
    EXPECT_LE(error, (value.scalar_type() == at::kBFloat16 ? 4e-3 : 2e-5) * largest)
        << name << " of " << GetParam();
  }
}

TEST_P(NormTest, DoesNotDependOnThreads) {
  torch::manual_seed(2);
  const auto type = GetParam().type;
  const Tensor x = image(type), add = image(type), dy = image(type);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Found one = found(made(), x, add, dy);
  at::set_num_threads(3);
  const Found three = found(made(), x, add, dy);
  at::set_num_threads(before);
  for (size_t i = 0; i < one.all().size(); ++i)
    if (one.all()[i].second.defined()) {
      EXPECT_TRUE(one.all()[i].second.equal(three.all()[i].second)) << one.all()[i].first;
    }
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const bool add : {false, true})
    for (const bool relu : {false, true})
      for (const bool training : {false, true})
        for (const auto type : {at::kFloat, at::kBFloat16})
          all.push_back({{3, 20, 9, 7}, add, relu, training, type});
  all.push_back({{2, 5, 3, 4, 6}, true, true, true});    // volumes
  all.push_back({{2, 3, 2, 1}, false, true, true});      // fewer rows than a chunk
  all.push_back({{10, 64, 33, 31}, false, true, true});  // many chunks
  all.push_back({{2, 17, 40, 40}, true, true, true, at::kBFloat16});
  return all;
}
INSTANTIATE_TEST_SUITE_P(Norm, NormTest, testing::ValuesIn(cases()));

TEST(Norm, IsItsOwnOperationOnlyWhereItMayBe) {
  Norm norm(4);
  const auto name = [&](const Tensor& x) {
    return norm->relu(x.requires_grad_(true)).grad_fn()->name();
  };
  const Tensor plain = torch::randn({2, 4, 5, 5});
  const Tensor rows = plain.contiguous(at::MemoryFormat::ChannelsLast);
  EXPECT_NE(name(rows.clone()).find("Fused"), std::string::npos);
  EXPECT_NE(name(plain.clone()).find("Relu"), std::string::npos);
  const hilum::testing::Unfused off;
  EXPECT_NE(name(rows.clone()).find("Relu"), std::string::npos);
}

// at::parallel_for is a header, and one thread long in a file that is compiled without OpenMP.
TEST(Threads, AreThereInWhatIsCompiledHere) {
  const int before = at::get_num_threads();
  at::set_num_threads(2);
  std::atomic<int> most{0};
  at::parallel_for(0, 2, 1, [&](int64_t, int64_t) {
    if (at::get_thread_num() > most) most = at::get_thread_num();
  });
  at::set_num_threads(before);
  EXPECT_EQ(most, 1);
}

TEST(Norm, NaNStaysNaN) {
  Norm norm(3);
  Tensor x = torch::randn({2, 3, 4, 4}).contiguous(at::MemoryFormat::ChannelsLast);
  x[0][1][2][2] = NAN;
  const Tensor y = norm->relu(x);
  EXPECT_TRUE(y.select(1, 1).isnan().all().item<bool>());
  EXPECT_FALSE(y.select(1, 0).isnan().any().item<bool>());
  EXPECT_TRUE(norm->running_mean[1].isnan().item<bool>());
}

TEST(Norm, AGradientOfTheGradientIsRefused) {
  Norm norm(2);
  const Tensor x =
      torch::randn({2, 2, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast).requires_grad_(true);
  const auto asked = [&] {
    torch::autograd::grad({norm->relu(x).square().sum()}, {x}, {}, true, /*create_graph=*/true);
  };
  EXPECT_THROW(asked(), std::exception);
  const hilum::testing::Unfused off;
  EXPECT_NO_THROW(asked());
}

TEST(Norm, OneValueAChannelIsRefusedAsEver) {
  Norm norm(3);
  EXPECT_THROW(norm->relu(torch::randn({1, 3, 1, 1})), std::exception);
}
}  // namespace
