// SPDX-License-Identifier: Apache-2.0
#include "core/train/compute.hpp"

#include <gmock/gmock.h>
#include <torch/torch.h>

#include "tests/unit/sdk/unfused.hpp"

namespace hilum::train {
namespace {
using ::testing::ElementsAre;

Compute channels_last() {
  Compute compute;
  compute.channels_last = true;
  return compute;
}

// LibTorch takes such an image for one in the other layout, and what it computes from it likewise.
TEST(Place, AnImageOfOneChannelIsChannelsLastToo) {
  const Tensor image = torch::randn({2, 1, 4, 6});
  const Tensor placed = place({{"image", image}}, channels_last()).at("image");
  EXPECT_THAT(placed.strides().vec(), ElementsAre(24, 1, 6, 1));
  EXPECT_TRUE(placed.equal(image));
  const auto made_of = [](const Tensor& x) {
    return torch::conv2d(x, torch::randn({8, 1, 3, 3})).suggest_memory_format();
  };
  EXPECT_EQ(made_of(placed), at::MemoryFormat::ChannelsLast);
  EXPECT_EQ(made_of(image), at::MemoryFormat::Contiguous) << "nothing to mend any more";
  const Tensor volume =
      place({{"image", torch::randn({1, 1, 3, 4, 6})}}, channels_last()).at("image");
  EXPECT_EQ(volume.suggest_memory_format(), at::MemoryFormat::ChannelsLast3d);
}

TEST(Place, SeveralChannelsAreMovedAndVectorsAreNot) {
  const Tensor image = torch::randn({2, 3, 4, 4}), rating = torch::randn({2, 1});
  const auto placed = place({{"image", image}, {"rating", rating}}, channels_last());
  EXPECT_TRUE(placed.at("image").is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(placed.at("image").equal(image));
  EXPECT_EQ(placed.at("rating").strides(), rating.strides());
  EXPECT_EQ(place({{"image", image}}, Compute()).at("image").strides(), image.strides());
}

TEST(Compute, SaysWhereLibTorchsOperationsWereAskedFor) {
  EXPECT_EQ(channels_last().precision(), "float32, channels last");
  const testing::Unfused off;
  EXPECT_EQ(channels_last().precision(), "float32, channels last, HILUM_FUSED=0");
}
}  // namespace
}  // namespace hilum::train
