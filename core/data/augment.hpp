// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>

#include "core/config/options.hpp"

namespace hilum::data {

/// What happens to one sample, its mask and its further images alike.
struct Change {
  bool transpose = false;      // H and W, before the flips
  std::array<bool, 3> flip{};  // D, H, W
  float scale = 1, shift = 0;  // of the window's width, about its middle; images only
};
/// A function of the key alone: any worker, any order and a resumed run draw the same.
Change draw_change(const config::DataOptions& options, int64_t seed, int64_t epoch,
                   int64_t position);

/// out[d,h,w] = in at the place that `change` brings there; `size` D, H, W. A transposition needs H
/// == W.
template <class In, class Convert>
void rearrange(const In* in, float* out, const std::array<int64_t, 3>& size, const Change& change,
               Convert convert) {
  const auto [depth, height, width] = size;
  int64_t y_step = width, x_step = 1, start = 0;
  if (change.transpose) std::swap(y_step, x_step);
  if (change.flip[1]) start += (height - 1) * y_step, y_step = -y_step;
  if (change.flip[2]) start += (width - 1) * x_step, x_step = -x_step;
  for (int64_t z = 0; z < depth; ++z) {
    const In* plane = in + (change.flip[0] ? depth - 1 - z : z) * height * width + start;
    for (int64_t y = 0; y < height; ++y, out += width) {
      const In* row = plane + y * y_step;
      if (x_step == 1)
        for (int64_t x = 0; x < width; ++x) out[x] = convert(row[x]);
      else
        for (int64_t x = 0; x < width; ++x) out[x] = convert(row[x * x_step]);
    }
  }
}

}  // namespace hilum::data
