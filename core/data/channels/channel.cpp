// SPDX-License-Identifier: Apache-2.0
#include "core/data/channels/channel.hpp"

#include <itkVersion.h>

#include <algorithm>

#include "core/util/sha256.hpp"

namespace hilum::data {
namespace {

using Kind = config::Channel::Rule;

constexpr int kVersion = 1;  // of what is computed; another one makes kept images useless

// Unclipped.
std::vector<float> windowed(std::span<const float> hu, const std::array<double, 2>& window) {
  const auto low = static_cast<float>(window[0]), width = static_cast<float>(window[1] - window[0]);
  std::vector<float> out(hu.begin(), hu.end());
  for (auto& v : out) v = (v - low) / width;
  return out;
}

std::vector<float> compute(std::span<const float> values, const Grid& grid,
                           const ChannelRule& rule) {
  if (rule.channel.rule == Kind::otsu) return otsu(values, rule.channel.classes);
  return means(values, superpixels(values, grid, rule.slic));
}

std::vector<float> compute_planes(std::span<const float> values, const Grid& grid,
                                  const ChannelRule& rule) {
  const auto area = static_cast<size_t>(grid.size[1] * grid.size[2]);
  Grid plane = grid;
  plane.size[0] = 1;
  std::vector<float> out;
  out.reserve(values.size());
  for (size_t start = 0; start < values.size(); start += area) {
    const auto slice = compute(values.subspan(start, area), plane, rule);
    out.insert(out.end(), slice.begin(), slice.end());
  }
  return out;
}

// Everything that the image depends on. The offset is not: it is applied to what is kept.
std::string key_of(std::span<const float> hu, const Grid& grid, const ChannelRule& rule) {
  const auto& c = rule.channel;
  const std::vector<double> numbers{grid.spacing[0], grid.spacing[1], grid.spacing[2],
                                    c.window[0],     c.window[1],     rule.slic.compactness};
  const std::vector<int64_t> counts{
      kVersion,    static_cast<int64_t>(c.rule), c.classes,    rule.slic.grid,
      rule.planes, rule.slic.iterations,         grid.size[0], grid.size[1],
      grid.size[2]};
  util::Sha256 sum;
  sum.add(std::string("hilum channel, ITK ") + itk::Version::GetITKVersion() + "\n");
  sum.add(numbers.data(), numbers.size() * sizeof(double));
  sum.add(counts.data(), counts.size() * sizeof(int64_t));
  return sum.add(hu.data(), hu.size_bytes()).hex();
}

std::vector<float> made(std::span<const float> hu, const Grid& grid, const ChannelRule& rule,
                        const Cache* cache) {
  auto values = windowed(hu, rule.channel.window);
  if (rule.channel.rule == Kind::ct) return values;
  const std::string key = cache ? key_of(hu, grid, rule) : "";
  if (cache)
    if (auto kept = cache->find(key, hu.size())) return std::move(*kept);
  for (auto& v : values) v = std::clamp(v, 0.0f, 1.0f);
  auto out = rule.planes ? compute_planes(values, grid, rule) : compute(values, grid, rule);
  if (cache) cache->keep(key, out);
  return out;
}

std::vector<float> moved(const std::vector<float>& voxels, const Grid& grid, int64_t offset) {
  const int64_t area = grid.size[1] * grid.size[2];
  std::vector<float> out(voxels.size());
  for (int64_t z = 0; z < grid.size[0]; ++z)
    std::copy_n(voxels.begin() + std::clamp<int64_t>(z + offset, 0, grid.size[0] - 1) * area, area,
                out.begin() + z * area);
  return out;
}

}  // namespace

std::vector<ChannelRule> channel_rules(const config::DataOptions& options) {
  const SlicRule slic{options.slic_grid, options.slic_compactness, options.slic_iterations};
  std::vector<ChannelRule> rules;
  for (const auto& channel : config::channels(options))
    rules.push_back({channel, slic, options.dims == 2});
  return rules;
}

std::vector<float> make_channel(std::span<const float> hu, const Grid& grid,
                                const ChannelRule& rule, const Cache* cache) {
  auto voxels = made(hu, grid, rule, cache);
  return rule.channel.offset == 0 ? voxels : moved(voxels, grid, rule.channel.offset);
}

float padding_of(const ChannelRule& rule, double fill) {
  if (rule.channel.rule == Kind::otsu) return 0;
  const float value = windowed(std::vector{static_cast<float>(fill)}, rule.channel.window)[0];
  return rule.channel.rule == Kind::ct ? value : std::clamp(value, 0.0f, 1.0f);
}

}  // namespace hilum::data
