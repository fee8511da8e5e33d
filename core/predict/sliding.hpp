// SPDX-License-Identifier: Apache-2.0
// A network of a fixed window on an image of any size.
#pragma once
#include <torch/types.h>

#include <functional>
#include <vector>

namespace hilum::predict {

struct Sliding {
  double overlap = 0.5;  // of the window, in [0, 1)
  int64_t margin = 0;    // voxels at a window's edge that count nothing, but at the image's border
};

/// First voxels of the windows along one axis: evenly spread, the last one ends with the image, and
/// what counts of them leaves no gap. `size` is at least `window`.
std::vector<int64_t> window_starts(int64_t size, int64_t window, const Sliding& sliding);

/// Windows [n,C,window...] to probabilities [n,1,window...].
using Forward = std::function<torch::Tensor(const torch::Tensor&)>;

/// `images` [N,C,H,W] or [N,C,D,H,W], each axis at least as long as the window's. Overlapping
/// windows are averaged with Gaussian weights (deviation an eighth of the window, as in nnU-Net and
/// MONAI), `batch` windows at a time. Returns [N,1,...], float32 on the CPU. Throws Error (request)
/// for an overlap or margin that leaves nothing of a window.
torch::Tensor slide(const torch::Tensor& images, const std::vector<int64_t>& window,
                    const Sliding& sliding, int64_t batch, const Forward& forward);

}  // namespace hilum::predict
