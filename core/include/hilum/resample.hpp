// SPDX-License-Identifier: Apache-2.0
// Features of different sizes: [N,C,H,W] or [N,C,D,H,W].
#pragma once
#include <torch/types.h>

#include "hilum/error.hpp"

namespace hilum {
using torch::Tensor;

/// Linear interpolation to `size` ([H,W] or [D,H,W]). Voxels are areas; with `corners`, points
/// whose outermost ones stay where they are (torch's align_corners).
HILUM_API Tensor resample(const Tensor& x, at::IntArrayRef size, bool corners = false);
/// x at y's spatial size; x itself where they agree.
HILUM_API Tensor resample_like(const Tensor& x, const Tensor& y, bool corners = false);
/// x at y's spatial size, each voxel the one that lies under it; x itself where they agree.
HILUM_API Tensor repeat_like(const Tensor& x, const Tensor& y);

struct JoinOptions {
  bool skip_last = false;  // x's channels come first
  bool corners = false;
};
/// skip beside x, x brought to skip's size: what a U-shaped decoder reads. A function, so that the
/// temporary dies here and not after the block that reads the result.
HILUM_API Tensor join(const Tensor& skip, const Tensor& x, const JoinOptions& options = {});

}  // namespace hilum
