// SPDX-License-Identifier: Apache-2.0
#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "core/data/augment.hpp"
#include "core/data/fit.hpp"
#include "core/data/resample.hpp"
#include "core/data/samples.hpp"
#include "core/util/random.hpp"

namespace hilum::data {
namespace {

constexpr uint64_t kAugment = 3;

std::string name(const Region& region, const SampleId& sample) {
  return region.id + (sample.slice < 0 ? "" : " slice " + std::to_string(sample.slice));
}

// Whatever is not finite makes the sum so: one pass without branches.
bool finite(const float* values, size_t count) {
  float sum = 0;
  for (size_t i = 0; i < count; ++i) sum += values[i] - values[i];
  return sum == 0;
}

/// [N,C] and the sample's axes.
std::vector<int64_t> shape(size_t samples, size_t channels, const config::DataOptions& options) {
  std::vector<int64_t> all{static_cast<int64_t>(samples), static_cast<int64_t>(channels)};
  all.insert(all.end(), options.roi.begin(), options.roi.end());
  return all;
}

/// One channel of an image, clipped to [0,1]. Intensities change in HU, about the middle of
/// data.window, so a channel of another window sees the same scanner as the others. Otsu's classes
/// stay: they would be the same for the changed image.
void fill_channel(const float* in, float* out, const std::array<int64_t, 3>& roi,
                  const Change& change, const config::Channel& channel,
                  const std::vector<double>& window) {
  const bool same = change.scale == 1 && change.shift == 0;
  if (same || channel.rule == config::Channel::Rule::otsu)
    return rearrange(in, out, roi, change, [](float v) { return std::clamp(v, 0.0f, 1.0f); });
  const double width = channel.window[1] - channel.window[0];
  const auto middle =
      static_cast<float>((0.5 * (window[0] + window[1]) - channel.window[0]) / width);
  const auto ratio = static_cast<float>((window[1] - window[0]) / width);
  const float scale = change.scale, shift = change.shift * ratio + middle - middle * change.scale;
  rearrange(in, out, roi, change,
            [=](float v) { return std::clamp(scale * v + shift, 0.0f, 1.0f); });
}

}  // namespace

Change draw_change(const config::DataOptions& options, int64_t seed, int64_t epoch,
                   int64_t position) {
  util::Random random({static_cast<uint64_t>(seed), static_cast<uint64_t>(epoch), kAugment,
                       static_cast<uint64_t>(position)});
  Change change;
  // Every draw is made whatever is switched on, so that one switch does not change another's draws.
  const uint64_t turns = random.below(4), flips = random.below(8);
  const double scale = random.uniform(-1, 1), shift = random.uniform(-1, 1);
  if (options.rotate90) {  // a quarter turn is a transposition and one flip
    change.transpose = turns % 2 == 1;
    change.flip = {false, turns >= 2, turns == 1 || turns == 2};
  }
  if (options.flip) {
    change.flip[0] = options.dims == 3 && (flips & 1) != 0;
    change.flip[1] = change.flip[1] != ((flips & 2) != 0);
    change.flip[2] = change.flip[2] != ((flips & 4) != 0);
  }
  change.scale = static_cast<float>(1 + options.scale * scale);
  change.shift = static_cast<float>(options.shift * shift);
  return change;
}

size_t Sampler::index(const SampleId& sample) const {
  const bool inside = sample.region < first_.size() && first_[sample.region] < samples_.size();
  const size_t at =
      inside ? first_[sample.region] + static_cast<size_t>(std::max<int64_t>(sample.slice, 0)) : 0;
  if (!inside || at >= samples_.size() || samples_[at].region != sample.region ||
      samples_[at].slice != sample.slice)
    throw Error("data: region " + std::to_string(sample.region) + " slice " +
                std::to_string(sample.slice) + " is none of this sampler's samples.");
  return at;
}

void Sampler::fill_image(float* out, const Input& input, const SampleId& sample,
                         const Change& change) const {
  const auto area = static_cast<size_t>(roi_[0] * roi_[1] * roi_[2]);
  const size_t channels = std::max<size_t>(input.channels.size(), 1);
  const float* from = input.voxels.data() + index(sample) * channels * area;
  const Region& region = set_->regions[sample.region];
  if (!finite(from, channels * area))
    throw Error("data: '" + name(region, sample) + "' (" + region.file + "): input '" + input.name +
                    "' has a value that is not finite.",
                Fault::data);
  if (input.channels.empty()) return rearrange(from, out, roi_, change, [](float v) { return v; });
  for (const auto& rule : input.channels) {
    fill_channel(from, out, roi_, change, rule.channel, options_.window);
    from += area, out += area;
  }
}

Batch Sampler::load(std::span<const SampleId> samples, int64_t epoch,
                    int64_t first_position) const {
  const size_t count = samples.size();
  const auto area = static_cast<size_t>(roi_[0] * roi_[1] * roi_[2]);
  const auto column = [&] { return torch::empty({static_cast<int64_t>(count), 1}); };
  Batch batch;
  std::vector<float*> images, targets;
  const auto add = [&](const std::string& key, torch::Tensor tensor) {
    return batch.values.insert_or_assign(key, std::move(tensor)).first->second.data_ptr<float>();
  };
  const auto channels = [](const Input& input) {
    return std::max<size_t>(input.channels.size(), 1);
  };
  for (const auto& input : inputs_)
    images.push_back(add(input.name, torch::empty(shape(count, channels(input), options_))));
  for (const auto& target : set_->target_names) targets.push_back(add(target, column()));
  float* mask = add("mask", torch::empty(shape(count, 1, options_)));
  float* present = add("nodule_present", column());
  batch.spacing = torch::empty({static_cast<int64_t>(count), options_.dims});
  float* spacing = batch.spacing.data_ptr<float>();
  batch.samples.assign(samples.begin(), samples.end());

  for (size_t n = 0; n < count; ++n) {
    const Region& region = set_->regions.at(samples[n].region);
    const uint8_t* truth = masks_.data() + index(samples[n]) * area;
    const Change change =
        train_ ? draw_change(options_, seed_, epoch, first_position + static_cast<int64_t>(n))
               : Change{};
    for (size_t i = 0; i < inputs_.size(); ++i)
      fill_image(images[i] + n * channels(inputs_[i]) * area, inputs_[i], samples[n], change);
    rearrange(truth, mask + n * area, roi_, change,
              [](uint8_t v) { return static_cast<float>(v); });
    present[n] = std::find(truth, truth + area, 1) != truth + area ? 1.0f : 0.0f;
    for (size_t i = 0; i < targets.size(); ++i)
      targets[i][n] = static_cast<float>(region.targets.at(set_->target_names[i]));
    auto mm = spacing_[samples[n].region];
    if (change.transpose) std::swap(mm[1], mm[2]);
    for (const double value : std::span(mm).last(static_cast<size_t>(options_.dims)))
      *spacing++ = static_cast<float>(value);
    batch.ids.push_back(name(region, samples[n]));
  }
  return batch;
}

std::vector<float> to_region(const torch::Tensor& probability, const Region& region,
                             const config::DataOptions& options) {
  const Grid native = native_grid(region.geometry),
             work = work_grid(region.geometry, options.spacing);
  const bool slices = options.dims == 2;
  std::array<int64_t, 3> roi{work.size[0], options.roi[0], options.roi[1]};
  if (!slices) roi = {options.roi[0], options.roi[1], options.roi[2]};
  const auto tensor = probability.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  std::vector<int64_t> expected{1, 1, roi[0], roi[1], roi[2]};
  if (slices) expected = {roi[0], 1, roi[1], roi[2]};
  if (tensor.sizes() != torch::IntArrayRef(expected))
    throw Error("data: '" + region.id + "': probabilities of shape " +
                to_text(tensor.sizes().vec()) + ", expected " + to_text(expected) + ".");
  std::vector<float> voxels(static_cast<size_t>(work.size[0] * work.size[1] * work.size[2]));
  const float* from = tensor.data_ptr<float>();
  each_row(fits(work.size, roi), work.size, roi, [&](int64_t to, int64_t source, int64_t count) {
    std::copy_n(from + source, count, voxels.data() + to);
  });
  return resample(voxels, work, native);
}

}  // namespace hilum::data
