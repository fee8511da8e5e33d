// SPDX-License-Identifier: Apache-2.0
#include "core/predict/predict.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "core/data/resample.hpp"

namespace hilum::predict {
namespace {

constexpr double kDepth = 40;  // mm of slices where nothing is known of the nodule
constexpr double kDepthOfDiameter = 1.5;
constexpr size_t kAtOnce = 32;  // regions in memory

// The image with the axes that the network sees.
data::Volume upright(const data::Volume& image, const Turn& turn) {
  return {turned(image.geometry, turn), turned<float>(image.voxels, image.geometry.size, turn)};
}

data::Region region_of(data::Volume volume, const std::string& id, const std::string& file) {
  data::Region region;
  region.id = id, region.patient = id, region.file = file;
  region.geometry = volume.geometry;
  region.mask.assign(volume.voxels.size(), 0);
  region.image = std::move(volume.voxels);
  return region;
}

std::vector<uint8_t> above(const std::vector<float>& probability, double threshold) {
  std::vector<uint8_t> mask(probability.size());
  std::ranges::transform(probability, mask.begin(),
                         [t = static_cast<float>(threshold)](float p) { return p > t; });
  return mask;
}

void mean_of(std::vector<float>& sum, size_t count) {
  if (count == 1) return;
  for (auto& p : sum) p /= static_cast<float>(count);
}

void add(std::vector<float>& sum, std::vector<float> more) {
  if (sum.empty()) return void(sum = std::move(more));
  std::ranges::transform(sum, more, sum.begin(), std::plus<>());
}

// What a region has to hold, in extents of data.roi.
int64_t widest(const config::DataOptions& o) {
  return o.crops.empty() ? 1 : std::ranges::max(o.crops);
}

// "" where the box fits into its region in plane.
std::string too_large(const Place& place, const data::Geometry& image, const data::Geometry& region,
                      int64_t widest) {
  if (!place.extent) return "";
  for (const size_t a : {size_t{1}, size_t{2}}) {
    double extent = 0;
    for (size_t i = 0; i < 3; ++i)
      extent += std::abs(image.direction[i * 3 + (2 - a)]) * (*place.extent)[i];
    const double reach = static_cast<double>(region.size[a] / widest) * region.spacing[a];
    if (extent > reach)
      return "the box of nodule '" + place.id + "' is " + to_text(extent) + " mm " +
             (a == 1 ? "high" : "wide") + ", its region " + to_text(reach) +
             " mm (data.roi): what is outside is not segmented";
  }
  return "";
}

}  // namespace

// Regions of one image, and what the members answered, summed and then averaged.
struct Predictor::Regions {
  data::RegionSet set;
  std::vector<std::vector<float>> probability;           // region -> on its own grid
  std::vector<std::vector<std::vector<double>>> values;  // region, output -> by slice
};

Turn Predictor::turn_of(const data::Geometry& stored) const {
  return data::after(settings_.lps ? to_lps(stored) : Turn{}, view());
}

Turn Predictor::view() const { return data::view_turn(members_[0].setup.experiment.data.view); }

// A diameter is axial, whatever the planes that the network sees.
Measures Predictor::axial(const std::vector<uint8_t>& mask, const data::Geometry& seen) const {
  const Turn back = data::inverse(view());
  return measure(turned<uint8_t>(mask, seen.size, back), turned(seen, back));
}

Box Predictor::box_of(const data::Geometry& g, const Place& place) const {
  const auto& o = members_[0].setup.experiment.data;
  const bool slices = o.dims == 2;
  const size_t first = slices ? 1 : 0;
  std::array<int64_t, 3> size{};
  for (size_t a = first; a < 3; ++a) {
    size[a] = o.roi[a - first] * widest(o);
    // Two voxels more than fill the roi: what is cropped away after resampling.
    if (!o.spacing.empty())
      size[a] = 2 + static_cast<int64_t>(std::ceil(static_cast<double>(size[a]) *
                                                   o.spacing[a - first] / g.spacing[a]));
  }
  const Voxel index = data::to_voxel(g, place.centre);
  if (!slices) return box_at(index, size);
  double depth = place.diameter ? kDepthOfDiameter * *place.diameter : kDepth;
  if (place.extent) {
    depth = 0;
    for (size_t i = 0; i < 3; ++i) depth += std::abs(g.direction[i * 3 + 2]) * (*place.extent)[i];
  }
  if (settings_.depth) depth = *settings_.depth;
  size[0] = 1 + 2 * static_cast<int64_t>(std::floor(0.5 * depth / g.spacing[0] + 1e-6));
  Box box = box_at(index, size);
  // There are no slices beyond the image.
  const int64_t low = std::max<int64_t>(0, box.from[0]),
                high = std::min(g.size[0], box.from[0] + box.size[0]);
  box.from[0] = low, box.size[0] = high - low;
  return box;
}

void Predictor::run_regions(Regions& regions, const Tick& tick) {
  const size_t count = regions.set.regions.size();
  regions.probability.resize(count);
  regions.values.assign(count, std::vector<std::vector<double>>(values_.size()));
  std::vector<size_t> all(count);
  for (size_t r = 0; r < count; ++r) all[r] = r;
  for (auto& member : members_) {
    const auto& e = member.setup.experiment;
    const data::Sampler sampler(regions.set, all, e.data, e.experiment.seed, false);
    data::Loader loader(sampler, 0, e.train.batch, false, e.data.workers);
    std::vector<std::vector<Tensor>> parts(count);
    auto values = std::vector<std::vector<std::vector<double>>>(
        count, std::vector<std::vector<double>>(values_.size()));
    for (data::Batch batch; loader.next(batch);) {
      const Answer answer = ask(member, batch.values);
      for (size_t n = 0; n < batch.samples.size(); ++n) {
        const auto at = static_cast<int64_t>(n);
        const size_t r = batch.samples[n].region;
        parts[r].push_back(answer.mask.slice(0, at, at + 1).clone());
        for (size_t v = 0; v < values_.size(); ++v)
          values[r][v].push_back(answer.values[v][at].item<double>());
      }
    }
    for (size_t r = 0; r < count; ++r) {
      add(regions.probability[r],
          data::to_region(torch::cat(parts[r]), regions.set.regions[r], e.data));
      for (size_t v = 0; v < values_.size(); ++v) {
        auto& sum = regions.values[r][v];
        sum.resize(values[r][v].size());
        std::ranges::transform(sum, values[r][v], sum.begin(), std::plus<>());
      }
    }
    if (tick) tick(&member - members_.data() + 1, std::ssize(members_));
  }
  for (auto& p : regions.probability) mean_of(p, members_.size());
  for (auto& region : regions.values)
    for (auto& by_slice : region)
      for (auto& value : by_slice) value /= static_cast<double>(members_.size());
}

Nodule Predictor::nodule_of(const Regions& regions, size_t r, const Place& place) const {
  const auto& g = regions.set.regions[r].geometry;
  const auto mask = above(regions.probability[r], mask_.threshold);
  Nodule nodule{.place = place, .size = axial(mask, g), .values = {}};
  nodule.slices = g.size[0];
  std::vector<bool> with;
  const auto area = g.size[1] * g.size[2];
  for (int64_t d = 0; d < g.size[0]; ++d) {
    const auto begin = mask.begin() + d * area;
    with.push_back(std::find(begin, begin + area, 1) != begin + area);
  }
  nodule.slices_with_nodule = std::ranges::count(with, true);
  for (size_t v = 0; v < values_.size(); ++v) {
    const auto& [head, output] = values_[v];
    const auto several =
        std::ranges::count_if(values_, [&](const auto& other) { return other.first == head; });
    Value value{.name = head + (several > 1 ? "." + output.target : ""), .output = output};
    const auto& by_slice = regions.values[r][v];
    double sum = 0, sum_with = 0;
    for (size_t d = 0; d < by_slice.size(); ++d) {
      sum += by_slice[d];
      if (by_slice.size() == with.size() && with[d]) sum_with += by_slice[d];
    }
    value.all = value.nodule = sum / static_cast<double>(by_slice.size());
    if (nodule.slices_with_nodule > 0 && by_slice.size() == with.size())
      value.nodule = sum_with / static_cast<double>(nodule.slices_with_nodule);
    nodule.values.push_back(value);
  }
  return nodule;
}

void Predictor::finish(Prediction& into, std::vector<float> probability, const data::Geometry& grid,
                       const data::Geometry& stored, const Turn& turn) const {
  const auto mask = above(probability, mask_.threshold);
  into.size = axial(mask, grid);
  into.mask = turned<uint8_t>(mask, stored.size, turn, true);
  into.probability = turned<float>(probability, stored.size, turn, true);
}

Prediction Predictor::at(const data::Volume& image, const std::vector<Place>& places,
                         const std::string& name, const Tick& tick) {
  require_inside(places, image.geometry, name);
  const Turn turn = turn_of(image.geometry);
  const data::Volume seen = upright(image, turn);
  const auto& o = members_[0].setup.experiment.data;
  std::vector<float> probability(seen.voxels.size());
  Prediction prediction;
  for (size_t first = 0; first < places.size(); first += kAtOnce) {
    const size_t end = std::min(places.size(), first + kAtOnce);
    Regions regions;
    std::vector<Box> boxes;
    for (size_t i = first; i < end; ++i) {
      boxes.push_back(box_of(seen.geometry, places[i]));
      regions.set.regions.push_back(region_of(cut(seen, boxes.back(), o.fill), places[i].id, name));
      auto note =
          too_large(places[i], seen.geometry, regions.set.regions.back().geometry, widest(o));
      if (!note.empty()) prediction.notes.push_back(std::move(note));
    }
    run_regions(regions, {});
    for (size_t i = first; i < end; ++i) {
      put_largest(probability, seen.geometry.size, regions.probability[i - first],
                  boxes[i - first]);
      prediction.nodules.push_back(nodule_of(regions, i - first, places[i]));
    }
    if (tick) tick(static_cast<int64_t>(end), std::ssize(places));
  }
  finish(prediction, std::move(probability), seen.geometry, image.geometry, turn);
  return prediction;
}

Prediction Predictor::whole(const data::Volume& image, const std::string& name, const Tick& tick) {
  if (!members_[0].setup.experiment.data.crops.empty())
    throw Error("run " + members_[0].run +
                    " reads wider crops (data.crops) around a nodule, which a sliding window does "
                    "not have. Give --centres or --boxes.",
                Fault::request);
  const Turn turn = turn_of(image.geometry);
  data::RegionSet set;
  set.regions.push_back(region_of(upright(image, turn), "whole", name));
  const data::Region& region = set.regions[0];
  std::vector<float> probability;
  int64_t done = 0;
  for (auto& member : members_) {
    const auto& e = member.setup.experiment;
    // One sample is the whole image (a whole slice): windowed, resampled and padded as any other.
    auto options = e.data;
    const auto work = data::work_grid(region.geometry, options.spacing);
    const size_t first = options.dims == 2 ? 1 : 0;
    for (size_t a = first; a < 3; ++a)
      options.roi[a - first] = std::max(options.roi[a - first], work.size[a]);
    const data::Sampler sampler(set, {0}, options, e.experiment.seed, false);
    const auto samples = sampler.epoch(0);
    std::vector<Tensor> slices;
    for (size_t s = 0; s < samples.size(); ++s) {
      const auto batch = sampler.load({&samples[s], 1}, 0, 0);
      slices.push_back(slide(batch.values.at("image"), e.data.roi, settings_.sliding, e.train.batch,
                             [&](const Tensor& x) {
                               return ask(member, {{"image", x}}).mask;
                             }));
      if (tick) tick(++done, std::ssize(samples) * std::ssize(members_));
    }
    add(probability, data::to_region(torch::cat(slices), region, options));
  }
  mean_of(probability, members_.size());
  Prediction prediction;
  prediction.notes.emplace_back(
      "a model that was trained on regions around nodules has not seen the rest of a chest: expect "
      "false positives on vessels, walls and everything outside the lungs");
  finish(prediction, std::move(probability), region.geometry, image.geometry, turn);
  return prediction;
}

}  // namespace hilum::predict
