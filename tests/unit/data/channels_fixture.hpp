// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/data/channels/channel.hpp"
#include "core/util/random.hpp"
#include "fixture.hpp"

namespace hilum::data {

inline const std::vector<double> kWindow = {-1000, 400};

/// Soft blobs with noise in [0,1], [D,H,W].
inline std::vector<float> blobs(const Grid& grid, uint64_t seed = 1) {
  util::Random random({seed});
  const auto [depth, height, width] = grid.size;
  std::vector<float> out;
  for (int64_t z = 0; z < depth; ++z)
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) {
        const int64_t place = (2 * x < width) + 2 * (3 * y < height) - 1;
        out.push_back(static_cast<float>(
            std::clamp(0.15 + 0.25 * static_cast<double>(place) + 0.04 * random.normal(), 0., 1.)));
      }
  return out;
}
inline std::vector<float> hu_of(std::vector<float> values) {
  for (auto& v : values) v = v * 1400 - 1000;
  return values;
}
inline ChannelRule rule_of(const std::string& name) {
  return {config::parse_channel(name, kWindow), {}, true};
}

inline RegionSet three_slices() {
  auto r = region("a", "p", grid(3, 4, 4, {2, 1, 1}), {5});
  for (size_t i = 0; i < r.image.size(); ++i) r.image[i] = static_cast<float>(i) * 25 - 1000;
  RegionSet set;
  set.name = "made", set.regions = {r};
  return set;
}
inline config::DataOptions options_of(Strings channels, std::vector<int64_t> roi = {4, 4}) {
  config::DataOptions o;
  o.roi = std::move(roi), o.dims = static_cast<int64_t>(o.roi.size());
  o.window = {-1000, 0}, o.channels = std::move(channels);
  return o;  // source "phantom": nothing is kept on disk
}

}  // namespace hilum::data
