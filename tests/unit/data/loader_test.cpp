// SPDX-License-Identifier: Apache-2.0
#include <torch/torch.h>

#include <chrono>
#include <limits>

#include "core/data/samples.hpp"
#include "fixture.hpp"

namespace hilum::data {
namespace {
using testing::HasSubstr;
using testing::SizeIs;

class LoaderTest : public testing::Test {
 protected:
  LoaderTest() {
    options.count = 8, options.patients = 4, options.size = {6, 24, 24}, options.roi = {20, 20};
    options.flip = options.rotate90 = true;
    options.scale = options.shift = 0.1;
    set = read_regions(options);
    for (size_t i = 0; i < set.regions.size(); ++i) regions.push_back(i);
  }
  std::vector<Batch> batches(const Sampler& sampler, int64_t epoch, int64_t workers,
                             int64_t first = 0, bool drop_last = false) {
    Loader loader(sampler, epoch, 5, drop_last, workers, first);
    std::vector<Batch> all;
    for (Batch batch; loader.next(batch);) all.push_back(batch);
    Batch none;
    EXPECT_FALSE(loader.next(none));
    return all;
  }
  config::DataOptions options;
  RegionSet set;
  std::vector<size_t> regions;
};

void expect_equal(const Batch& a, const Batch& b) {
  EXPECT_EQ(a.ids, b.ids);
  EXPECT_TRUE(a.spacing.equal(b.spacing));
  ASSERT_EQ(a.values.size(), b.values.size());
  for (const auto& [name, tensor] : a.values) {
    const auto& other = b.values.at(name);
    ASSERT_EQ(tensor.sizes(), other.sizes());
    EXPECT_TRUE(tensor.is_contiguous());
    EXPECT_EQ(std::memcmp(tensor.data_ptr(), other.data_ptr(), tensor.nbytes()), 0)
        << name;  // NaN too
  }
}

TEST_F(LoaderTest, BytesDoNotDependOnWorkers) {
  const Sampler sampler(set, regions, options, 1, true);
  const auto alone = batches(sampler, 2, 0);
  EXPECT_THAT(alone, SizeIs(10));  // 48 slices by 5
  EXPECT_THAT(alone.back().ids, SizeIs(3));
  for (const int64_t workers : {1, 3, 16}) {
    const auto ahead = batches(sampler, 2, workers);
    ASSERT_EQ(ahead.size(), alone.size());
    for (size_t i = 0; i < alone.size(); ++i) expect_equal(ahead[i], alone[i]);
  }
  const auto other = batches(sampler, 3, 1);
  EXPECT_NE(other[0].ids, alone[0].ids);
}

TEST_F(LoaderTest, ResumesInTheMiddleOfAnEpoch) {
  const Sampler sampler(set, regions, options, 1, true);
  const auto full = batches(sampler, 0, 2);
  for (const int64_t first : {3, 9, 10})
    for (const int64_t workers : {0, 2}) {
      const auto tail = batches(sampler, 0, workers, first);
      ASSERT_EQ(tail.size(), full.size() - static_cast<size_t>(first));
      for (size_t i = 0; i < tail.size(); ++i)
        expect_equal(tail[i], full[i + static_cast<size_t>(first)]);
    }
}

TEST_F(LoaderTest, AugmentationFollowsThePositionInTheEpoch) {
  const Sampler sampler(set, regions, options, 1, true);
  const auto order = sampler.epoch(4);
  const auto loaded = batches(sampler, 4, 1);
  for (size_t i = 0; i < 9; ++i)
    expect_equal(loaded[i],
                 sampler.load(std::span(order).subspan(i * 5, 5), 4, static_cast<int64_t>(i) * 5));
  const auto same = sampler.load(std::vector<SampleId>(5, order[0]), 4, 0).values.at("image");
  EXPECT_FALSE(same[0].equal(same[1]));
}

TEST_F(LoaderTest, DropsTheLastWhereItIsNotFull) {
  const Sampler sampler(set, regions, options, 1, true);
  EXPECT_THAT(batches(sampler, 0, 1, 0, true), SizeIs(9));
  EXPECT_EQ(Loader(sampler, 0, 5, true, 0).batches(), 9);
  EXPECT_EQ(Loader(sampler, 0, 5, false, 0).batches(), 10);
  EXPECT_EQ(Loader(sampler, 0, 49, true, 2).batches(), 0);
}

TEST_F(LoaderTest, AnErrorNamesTheCaseAtItsPlace) {
  set.regions[5].image[24 * 24 * 2 + 300] = std::numeric_limits<float>::quiet_NaN();
  const Sampler sampler(set, regions, options, 1, false);
  for (const int64_t workers : {0, 1, 3}) {
    Loader loader(sampler, 0, 5, false, workers);
    Batch batch;
    for (int i = 0; i < 6; ++i) EXPECT_TRUE(loader.next(batch)) << i;  // slices 0 to 29
    const auto error = error_of([&] { loader.next(batch); });
    EXPECT_THAT(error.what(),
                HasSubstr("'" + set.regions[5].id + " slice 2' (phantom): input 'image'"));
    EXPECT_EQ(error.fault, Fault::data);
  }
}

TEST_F(LoaderTest, MayBeLeftInTheMiddle) {
  const Sampler sampler(set, regions, options, 1, true);
  for (int i = 0; i < 50; ++i) {
    Loader loader(sampler, i, 5, true, 3);
    Batch batch;
    if (i % 2 == 1) {
      EXPECT_TRUE(loader.next(batch));
    }
  }
}

TEST_F(LoaderTest, NoSamplesAreNoBatches) {
  const Sampler sampler(set, {}, options, 1, false);
  EXPECT_EQ(sampler.size(), 0);
  EXPECT_THAT(batches(sampler, 0, 2), SizeIs(0));
  EXPECT_EQ(error_of([&] { Loader(sampler, 0, 0, false, 0); }).fault, Fault::request);
}

TEST(LidcLoader, IsFasterThanAnyTraining) {
  HILUM_NEED_DATA("lidc_nodules");
  config::DataOptions options;
  options.source = (kShared / "lidc_nodules").string();
  options.consensus = 0.5, options.flip = options.rotate90 = true;
  const auto set = read_regions(options);
  const auto split = make_split(set, options, 0);
  const auto start = std::chrono::steady_clock::now();
  const Sampler sampler(set, split.train, options, 0, true);
  const auto ready = std::chrono::steady_clock::now();
  EXPECT_THAT(sampler.counts(), HasSubstr(" slices, "));
  Loader loader(sampler, 0, 16, true, 0);
  int64_t samples = 0;
  for (Batch batch; loader.next(batch);) samples += static_cast<int64_t>(batch.ids.size());
  const std::chrono::duration<double> prepare = ready - start,
                                      epoch = std::chrono::steady_clock::now() - ready;
  EXPECT_GT(samples, 5000);
  EXPECT_LT(prepare.count(), 5);
  EXPECT_LT(epoch.count(), 5);
  RecordProperty("prepare_s", std::to_string(prepare.count()));
  RecordProperty("epoch_s", std::to_string(epoch.count()));
}

}  // namespace
}  // namespace hilum::data
