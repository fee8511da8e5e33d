// SPDX-License-Identifier: Apache-2.0
// From regions to batches: slices, crops, windows, augmentation, loader threads.
#pragma once
#include <torch/types.h>

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/data/channels/channel.hpp"
#include "core/data/region.hpp"

namespace hilum::data {

using Named = std::map<std::string, torch::Tensor>;

/// One sample: a slice of a region (dims 2), or a whole region (slice -1, dims 3).
struct SampleId {
  size_t region = 0;
  int64_t slice = -1;
};
struct Batch {
  Named values;  // "image" [N,C,H,W] or [N,C,D,H,W] in [0,1]; wider crops "x2" alike; more images
                 // by name; "mask" [N,1,...]
                 // 0/1; numeric targets [N,1] (NaN: unknown), "nodule_present" [N,1] derived
  std::vector<SampleId> samples;
  Strings ids;            // "LIDC-IDRI-0001_R_1 slice 4": for errors
  torch::Tensor spacing;  // [N,dims] mm, in the tensors' axis order
};

/// Turns samples into tensors. Thread-safe: all state is made in the constructor.
class Sampler {
 public:
  /// `train`: the sampler and augmentation apply; else every slice, in order, as it is.
  Sampler(const RegionSet& set, std::vector<size_t> regions, const config::DataOptions& options,
          int64_t seed, bool train);
  /// The epoch's samples in their order: a function of (seed, epoch) only.
  std::vector<SampleId> epoch(int64_t epoch) const;
  /// Augmentation is a function of (seed, epoch, position). Throws Error (Fault::data) naming the
  /// case.
  Batch load(std::span<const SampleId> samples, int64_t epoch, int64_t first_position) const;
  /// Slices with and without nodule, for people: "5033 slices, 3812 with nodule".
  std::string counts() const;
  /// What is odd about the samples, for people.
  const Strings& notes() const { return notes_; }
  int64_t size() const;  // samples an epoch
  const RegionSet& set() const { return *set_; }
  const config::DataOptions& options() const { return options_; }

 private:
  const RegionSet* set_;
  std::vector<size_t> regions_;
  config::DataOptions options_;
  int64_t seed_;
  bool train_;
  std::vector<SampleId> with_, without_;

  struct Input {  // a named image of the sample
    std::string name;
    std::vector<ChannelRule> channels{};  // of images from the CT; else none: one, as it is stored
    int64_t extent = 1;                   // times the roi's
    std::vector<float>
        voxels{};  // [sample, channel, voxel]; a ct is scaled by its window, unclipped
  };
  void check_options() const;
  void prepare();
  void prepare_region(size_t region, const Cache* cache);
  size_t index(const SampleId& sample) const;
  void fill_image(float* out, const Input& input, const SampleId& sample,
                  const struct Change& change) const;

  std::array<int64_t, 3> roi_{};                // D, H, W; D is 1 for slices
  std::vector<SampleId> samples_;               // in order
  std::vector<size_t> first_;                   // region -> its first sample, or kNone
  std::vector<std::array<double, 3>> spacing_;  // region -> mm on its work grid
  std::vector<Input> inputs_;
  std::vector<uint8_t> masks_;  // [sample, voxel]
  Strings notes_;
};

/// Batches of one epoch, made ahead by `workers` threads and delivered in order. An error in a
/// thread is thrown by next(), with the case's id, file and cause.
class Loader {
 public:
  Loader(const Sampler& sampler, int64_t epoch, int64_t batch, bool drop_last, int64_t workers,
         int64_t first_batch = 0);
  ~Loader();
  bool next(Batch& batch);  // false at the end
  int64_t batches() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Puts probabilities of a region's samples back on the region's own grid (crop, padding and
/// resampling undone; 0 where no sample reaches). `probability` [S,1,H,W] of the slices in order,
/// or [1,1,D,H,W].
std::vector<float> to_region(const torch::Tensor& probability, const Region& region,
                             const config::DataOptions& options);

}  // namespace hilum::data
