// SPDX-License-Identifier: Apache-2.0
// What neither the contract tests nor the parity with PyTorch (tests/parity) look at.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/parts/kit.hpp"

namespace hilum {
namespace {
using ::testing::HasSubstr;

int64_t parameters(model::Alone unet) {
  int64_t count = 0;
  for (const auto& p : unet.module().parameters()) count += p.numel();
  return count;
}

TEST(UNet, DoublesItsChannelsAndHalvesItsSize) {
  const Named in{{"x", torch::rand({1, 1, 64, 48})}};
  const auto out = kit::alone("backbone/unet", {{"width", int64_t{4}}}, in).forward(in);
  ASSERT_EQ(out.size(), 9U);
  EXPECT_EQ(out.at("S1").sizes(), (std::vector<int64_t>{1, 4, 64, 48}));
  EXPECT_EQ(out.at("S5").sizes(), (std::vector<int64_t>{1, 64, 4, 3}));
  EXPECT_EQ(out.at("S9").sizes(), (std::vector<int64_t>{1, 4, 64, 48}));
}

TEST(UNet, HasThePapersParameters) {
  const Named in{{"x", torch::rand({1, 1, 32, 32})}};
  EXPECT_EQ(parameters(kit::alone("backbone/unet", {}, in)), 31'036'416);
}

// Resampling keeps all channels of the level below: no 2x2, and wider 3x3 after it.
TEST(UNet, ResamplesInPlaceOfTheTransposedConvolution) {
  const Named in{{"x", torch::rand({1, 1, 32, 32})}};
  const std::map<std::string, Data> small{{"width", int64_t{8}}, {"depth", int64_t{2}}};
  auto resampling = small;
  resampling["up"] = std::string("resample");
  const int64_t transposed = 16 * 8 * 4 + 8, wider = 8 * 8 * 9;
  EXPECT_EQ(parameters(kit::alone("backbone/unet", resampling, in)),
            parameters(kit::alone("backbone/unet", small, in)) - transposed + wider);
}

TEST(UNet, SaysThatTheImageHasOtherChannels) {
  const auto error = kit::error_of([] {
    kit::alone("backbone/unet", {{"in_channels", int64_t{3}}},
               {{"x", torch::rand({1, 1, 32, 32})}});
  });
  EXPECT_THAT(error.what(), HasSubstr("option 'in_channels' is 3, but the image has 1 channels"));
}
}  // namespace
}  // namespace hilum
