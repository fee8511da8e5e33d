// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "core/data/fit.hpp"
#include "core/data/resample.hpp"
#include "core/data/samples.hpp"
#include "core/util/random.hpp"

namespace hilum::data {
namespace {

constexpr size_t kNone = static_cast<size_t>(-1);
constexpr uint64_t kOrder = 1, kSubset = 2;  // purposes of random numbers

[[noreturn]] void refuse(const std::string& what) { throw Error("data." + what, Fault::request); }

std::vector<uint8_t> resampled_mask(const std::vector<uint8_t>& mask, const Grid& from,
                                    const Grid& to) {
  if (from == to) return mask;
  const std::vector<float> share(mask.begin(), mask.end());
  const auto values = resample(share, from, to);
  std::vector<uint8_t> result(values.size());
  std::transform(values.begin(), values.end(), result.begin(),
                 [](float value) { return static_cast<uint8_t>(value >= 0.5f); });
  return result;
}

/// Crops or pads the channels of a region and appends them as [slice, channel, voxel].
struct Placer {
  const Fits& where;
  const std::array<int64_t, 3>&size, &roi;
  size_t slices;
  std::vector<float>& out;

  void place(const std::vector<std::vector<float>>& channels, const std::vector<float>& paddings) {
    const size_t start = out.size(), count = channels.size();
    const size_t each = static_cast<size_t>(roi[0] * roi[1] * roi[2]) / slices;
    out.resize(start + count * slices * each);
    for (size_t c = 0; c < count; ++c) {
      std::vector<float> fitted(slices * each, paddings[c]);
      each_row(where, size, roi, [&](int64_t from, int64_t to, int64_t voxels) {
        std::copy_n(channels[c].data() + from, voxels, fitted.data() + to);
      });
      for (size_t slice = 0; slice < slices; ++slice)
        std::copy_n(fitted.data() + slice * each, each,
                    out.data() + start + (slice * count + c) * each);
    }
  }
};

/// The wanted number of each class: all of the scarcer one, and so many of the other that the share
/// of slices with nodule is `positives`.
std::pair<size_t, size_t> balanced(size_t with, size_t without, double positives) {
  const auto w = static_cast<double>(with), n = static_cast<double>(without);
  if (positives >= 1) return {with, 0};
  if (positives <= 0) return {0, without};
  if (w * (1 - positives) > n * positives)
    return {static_cast<size_t>(std::llround(n * positives / (1 - positives))), without};
  return {with, static_cast<size_t>(std::llround(w * (1 - positives) / positives))};
}

}  // namespace

Sampler::Sampler(const RegionSet& set, std::vector<size_t> regions,
                 const config::DataOptions& options, int64_t seed, bool train)
    : set_(&set), regions_(std::move(regions)), options_(options), seed_(seed), train_(train) {
  check_options();
  const bool volumes = options_.dims == 3;
  roi_ = {volumes ? options_.roi[0] : 1, options_.roi[volumes ? 1 : 0],
          options_.roi[volumes ? 2 : 1]};
  prepare();
  const bool balance = train_ && options_.sampler == "balanced";
  if (balance && (with_.empty() || without_.empty()) && !samples_.empty())
    throw Error("data.sampler: 'balanced' needs slices with and without nodule, there are " +
                    counts() + ". Use data.sampler = \"all\".",
                Fault::data);
}

void Sampler::check_options() const {
  const auto& o = options_;
  if (o.dims != 2 && o.dims != 3)
    refuse("dims: value '" + std::to_string(o.dims) + "', allowed 2 or 3.");
  const auto axes = static_cast<size_t>(o.dims);
  const std::string order = axes == 2 ? "[H,W]" : "[D,H,W]";
  if (o.roi.size() != axes || std::any_of(o.roi.begin(), o.roi.end(), [](auto n) { return n < 1; }))
    refuse("roi: value '" + to_text(o.roi) + "': with data.dims = " + std::to_string(axes) +
           " it is " + order + ", voxels.");
  if (!o.spacing.empty() &&
      (o.spacing.size() != axes ||
       std::any_of(o.spacing.begin(), o.spacing.end(), [](auto mm) { return !(mm > 0); })))
    refuse("spacing: value '" + to_text(o.spacing) + "': with data.dims = " + std::to_string(axes) +
           " it is empty or " + order + ", mm above 0.");
  if (o.window.size() != 2 || !(o.window[0] < o.window[1]))
    refuse("window: value '" + to_text(o.window) + "': it is [low, high] in HU, low below high.");
  if (o.sampler != "all" && o.sampler != "balanced")
    refuse("sampler: value '" + o.sampler + "', allowed 'all' or 'balanced'.");
  if (train_ && o.rotate90 && o.roi[axes - 1] != o.roi[axes - 2])
    refuse("augment.rotate90: needs a roi as high as wide, data.roi is " + to_text(o.roi) + ".");
}

void Sampler::prepare() {
  first_.assign(set_->regions.size(), kNone);
  spacing_.resize(set_->regions.size());
  inputs_.push_back({.name = "image", .channels = channel_rules(options_)});
  for (const auto factor : options_.crops)
    inputs_.push_back(
        {.name = "x" + std::to_string(factor), .channels = inputs_[0].channels, .extent = factor});
  if (!regions_.empty())
    for (const auto& [name, voxels] : set_->regions.at(regions_[0]).more_images) {
      if (std::ranges::any_of(inputs_, [&](const Input& input) { return input.name == name; }))
        refuse("crops: the set's column 'image_" + name + "' has the name of a crop. Rename it.");
      inputs_.push_back({.name = name});
    }
  size_t samples = 0;
  for (const size_t r : regions_)
    samples += options_.dims == 2 ? static_cast<size_t>(set_->regions.at(r).geometry.size[0]) : 1;
  const size_t voxels = samples * static_cast<size_t>(roi_[0] * roi_[1] * roi_[2]);
  for (auto& input : inputs_)
    input.voxels.reserve(voxels * std::max<size_t>(input.channels.size(), 1));
  masks_.reserve(voxels);
  samples_.reserve(samples);
  // Phantoms are made in memory and leave nothing behind.
  const auto folder = options_.source == "phantom" ? std::nullopt : Cache::default_folder();
  const auto cache = folder ? std::optional<Cache>(*folder) : std::nullopt;
  for (const size_t r : regions_) prepare_region(r, cache ? &*cache : nullptr);

  const auto skewed = std::count_if(regions_.begin(), regions_.end(), [&](size_t r) {
    return std::abs(spacing_[r][1] - spacing_[r][2]) > 0.01 * spacing_[r][1];
  });
  if (train_ && options_.rotate90 && skewed > 0)
    notes_.push_back(std::to_string(skewed) +
                     " regions have voxels that are not square in plane: rotations "
                     "by right angles change their shape in mm");
}

void Sampler::prepare_region(size_t r, const Cache* cache) {
  const Region& region = set_->regions[r];
  const Grid native = native_grid(region.geometry),
             work = work_grid(region.geometry, options_.spacing);
  spacing_[r] = work.spacing;
  first_[r] = samples_.size();
  const int64_t slices = options_.dims == 2 ? work.size[0] : 1;
  // All slices of the region lie one after the other: fitted as one volume of full depth.
  const std::array<int64_t, 3> roi{options_.dims == 2 ? slices : roi_[0], roi_[1], roi_[2]};
  const Fits where = fits(work.size, roi);
  const auto hu = resample(region.image, native, work);
  for (auto& input : inputs_) {
    if (input.channels.empty()) {
      Placer{where, work.size, roi, static_cast<size_t>(slices), input.voxels}.place(
          {resample(region.more_images.at(input.name), native, work)}, {0});
      continue;
    }
    const Blocks blocks =
        input.extent == 1 ? Blocks{work, {}}
                          : block_means(hu, work, input.extent, options_.dims, roi, options_.fill);
    const auto& seen = input.extent == 1 ? hu : blocks.voxels;
    std::vector<std::vector<float>> images;
    std::vector<float> paddings;
    for (const auto& rule : input.channels) {
      images.push_back(make_channel(seen, blocks.grid, rule, cache));
      paddings.push_back(padding_of(rule, options_.fill));
    }
    const Fits fitted = fits(blocks.grid.size, roi);
    Placer{fitted, blocks.grid.size, roi, static_cast<size_t>(slices), input.voxels}.place(
        images, paddings);
  }
  const auto mask = resampled_mask(region.mask, native, work);
  const auto area = static_cast<size_t>(roi[0] * roi[1] * roi[2]);
  const size_t start = masks_.size(), each = area / static_cast<size_t>(slices);
  masks_.resize(start + area, 0);
  each_row(where, work.size, roi, [&](int64_t from, int64_t to, int64_t count) {
    std::copy_n(mask.data() + from, count, masks_.data() + start + to);
  });
  for (int64_t slice = 0; slice < slices; ++slice) {
    const SampleId id{r, options_.dims == 2 ? slice : -1};
    const auto begin =
        masks_.begin() + static_cast<int64_t>(start + static_cast<size_t>(slice) * each);
    const bool nodule = std::find(begin, begin + static_cast<int64_t>(each), 1) !=
                        begin + static_cast<int64_t>(each);
    samples_.push_back(id);
    (nodule ? with_ : without_).push_back(id);
  }
}

std::vector<SampleId> Sampler::epoch(int64_t epoch) const {
  if (!train_) return samples_;
  const auto seed = static_cast<uint64_t>(seed_), number = static_cast<uint64_t>(epoch);
  std::vector<SampleId> order = samples_;
  if (options_.sampler == "balanced") {
    const auto [with, without] = balanced(with_.size(), without_.size(), options_.positives);
    order = with_;
    auto others = without_;
    util::Random subset({seed, number, kSubset});
    subset.shuffle(order), subset.shuffle(others);
    order.resize(with);
    order.insert(order.end(), others.begin(), others.begin() + static_cast<int64_t>(without));
  }
  util::Random({seed, number, kOrder}).shuffle(order);
  return order;
}

int64_t Sampler::size() const {
  if (!train_ || options_.sampler != "balanced") return static_cast<int64_t>(samples_.size());
  const auto [with, without] = balanced(with_.size(), without_.size(), options_.positives);
  return static_cast<int64_t>(with + without);
}

std::string Sampler::counts() const {
  const std::string what = options_.dims == 2 ? " slices, " : " regions, ";
  std::string text =
      std::to_string(samples_.size()) + what + std::to_string(with_.size()) + " with nodule";
  if (train_ && options_.sampler == "balanced") {
    const auto [with, without] = balanced(with_.size(), without_.size(), options_.positives);
    text += "; balanced: " + std::to_string(with) + " with and " + std::to_string(without) +
            " without an epoch";
  }
  return text;
}

}  // namespace hilum::data
