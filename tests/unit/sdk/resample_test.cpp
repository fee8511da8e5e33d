// SPDX-License-Identifier: Apache-2.0
// Resampling and joining against LibTorch's operations.
#include <gtest/gtest.h>
#include <torch/torch.h>
#include <hilum/resample.hpp>

#include "tests/unit/sdk/unfused.hpp"

namespace {
using torch::Tensor;

struct Case {
  std::vector<int64_t> from, to;
  bool corners = false, skip_last = false;
  int64_t beside = 0;  // channels of the skip; 0: resample alone
};
std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << at::IntArrayRef(c.from) << " to " << at::IntArrayRef(c.to)
             << (c.corners ? " corners" : "") << (c.skip_last ? " skip last" : "") << ", "
             << c.beside;
}
constexpr auto kRows = at::MemoryFormat::ChannelsLast;

class ResampleTest : public testing::TestWithParam<Case> {
 protected:
  struct Found {
    Tensor y, dx, dskip;
  };
  static Found found(const Tensor& from, const Tensor& beside, const Tensor& dy) {
    const auto& c = GetParam();
    const Tensor x = from.detach().clone().requires_grad_(true);
    const Tensor skip = beside.defined() ? beside.detach().clone().requires_grad_(true) : beside;
    const Tensor y = skip.defined() ? hilum::join(skip, x, {c.skip_last, c.corners})
                                    : hilum::resample(x, c.to, c.corners);
    y.backward(dy.to(y.scalar_type()));
    return {y.detach(), x.grad(), skip.defined() ? skip.grad() : Tensor()};
  }
  static void compare(at::ScalarType type, double tolerance) {
    const auto& c = GetParam();
    torch::manual_seed(3);
    const Tensor x = torch::randn(c.from).to(type).contiguous(kRows);
    Tensor skip;
    if (c.beside)
      skip = torch::randn({c.from[0], c.beside, c.to[0], c.to[1]}).to(type).contiguous(kRows);
    const Tensor dy = torch::randn({c.from[0], c.from[1] + c.beside, c.to[0], c.to[1]}).to(type);
    const Found own = found(x, skip, dy);
    const auto wide = [](const Tensor& t) { return t.defined() ? t.to(torch::kDouble) : t; };
    const hilum::testing::Unfused off;
    const Found reference = found(wide(x), wide(skip), wide(dy));
    const auto check = [&](const char* name, const Tensor& a, const Tensor& b) {
      ASSERT_EQ(a.sizes(), b.sizes()) << name;
      const double error = (wide(a) - b).abs().max().item<double>();
      EXPECT_LE(error, tolerance * b.abs().max().item<double>()) << name << ", " << c;
    };
    check("y", own.y, reference.y);
    check("dx", own.dx, reference.dx);
    if (c.beside) check("dskip", own.dskip, reference.dskip);
  }
};

TEST_P(ResampleTest, Float32IsLibTorchs) { compare(at::kFloat, 1e-5); }
TEST_P(ResampleTest, Bfloat16IsLibTorchsToItsDigits) { compare(at::kBFloat16, 5e-3); }

INSTANTIATE_TEST_SUITE_P(
    Sizes, ResampleTest,
    testing::Values(Case{{2, 16, 8, 8}, {16, 16}}, Case{{2, 16, 8, 8}, {16, 16}, true},
                    Case{{1, 6, 5, 7}, {9, 20}}, Case{{1, 6, 5, 7}, {9, 20}, true},
                    Case{{2, 5, 1, 1}, {6, 4}}, Case{{2, 5, 1, 1}, {6, 4}, true},
                    Case{{1, 4, 9, 9}, {4, 3}}, Case{{1, 4, 9, 9}, {4, 3}, true},
                    Case{{1, 7, 3, 3}, {1, 1}, true}, Case{{2, 8, 4, 6}, {8, 12}, false, false, 5},
                    Case{{2, 8, 4, 6}, {8, 12}, false, true, 5},
                    Case{{3, 33, 6, 6}, {25, 25}, true, true, 17}));

TEST(Resample, IsItsOwnOperationOnlyForRowsOfChannels) {
  const auto name = [](Tensor x) {
    return hilum::resample(x.requires_grad_(true), {8, 8}).grad_fn()->name();
  };
  const Tensor plain = torch::randn({1, 4, 4, 4});
  EXPECT_NE(name(plain.contiguous(kRows).clone()).find("Fused"), std::string::npos);
  EXPECT_NE(name(plain.clone()).find("Upsample"), std::string::npos);
  EXPECT_NE(name(torch::randn({1, 1, 4, 4})).find("Upsample"), std::string::npos);
}

TEST(Resample, JoinOfOneSizeAndOfVolumes) {
  const Tensor a = torch::randn({1, 2, 4, 4}), b = torch::randn({1, 3, 4, 4});
  EXPECT_TRUE(hilum::join(a, b).equal(torch::cat({a, b}, 1)));
  EXPECT_TRUE(hilum::join(a, b, {.skip_last = true}).equal(torch::cat({b, a}, 1)));
  const Tensor volume = torch::randn({1, 2, 2, 3, 4});
  EXPECT_EQ(hilum::join(torch::randn({1, 1, 4, 6, 8}), volume).sizes().vec(),
            (std::vector<int64_t>{1, 3, 4, 6, 8}));
}
}  // namespace
