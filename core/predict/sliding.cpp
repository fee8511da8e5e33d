// SPDX-License-Identifier: Apache-2.0
#include "core/predict/sliding.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "hilum/names.hpp"

namespace hilum::predict {
namespace {

using torch::Tensor;
using Starts = std::vector<int64_t>;

// The weights of one axis. The smallest is above 0 in float32, so that no voxel divides by 0.
Tensor axis_weights(int64_t window, const Starts& starts, int64_t start, int64_t margin) {
  const double centre = 0.5 * static_cast<double>(window - 1),
               sigma = static_cast<double>(window) / 8;
  Tensor weights = torch::empty({window});
  float* w = weights.data_ptr<float>();
  for (int64_t i = 0; i < window; ++i) {
    const bool inner =
        (i >= margin || start == starts.front()) && (i < window - margin || start == starts.back());
    const double z = (static_cast<double>(i) - centre) / sigma;
    w[i] = inner ? static_cast<float>(std::max(std::exp(-0.5 * z * z), 1e-4)) : 0.0f;
  }
  return weights;
}

// Every combination of the axes' starts.
std::vector<Starts> combinations(const std::vector<Starts>& axes) {
  std::vector<Starts> all{{}};
  for (const auto& axis : axes) {
    std::vector<Starts> longer;
    for (const auto& first : all)
      for (const int64_t start : axis) {
        longer.push_back(first);
        longer.back().push_back(start);
      }
    all = std::move(longer);
  }
  return all;
}

// The part of [N,C,...] or [N,1,...] of one image under a window: a view.
Tensor view(const Tensor& images, int64_t n, const Starts& start, const Starts& window) {
  Tensor part = images.narrow(0, n, 1);
  for (size_t a = 0; a < start.size(); ++a)
    part = part.narrow(static_cast<int64_t>(a) + 2, start[a], window[a]);
  return part;
}

Tensor weights_at(const std::vector<Starts>& axes, const Starts& start, const Starts& window,
                  int64_t margin) {
  Tensor weights = torch::ones({1, 1});
  for (size_t a = 0; a < start.size(); ++a)
    weights = weights.unsqueeze(-1) * axis_weights(window[a], axes[a], start[a], margin);
  return weights;
}

}  // namespace

Starts window_starts(int64_t size, int64_t window, const Sliding& sliding) {
  if (!(sliding.overlap >= 0 && sliding.overlap < 1))
    throw Error("overlap: value '" + std::to_string(sliding.overlap) + "', allowed [0, 1).",
                Fault::request);
  if (sliding.margin < 0 || 2 * sliding.margin >= window)
    throw Error("margin: value '" + std::to_string(sliding.margin) + "', allowed 0 to " +
                    std::to_string((window - 1) / 2) + ": less than half of a window of " +
                    std::to_string(window) + " voxels.",
                Fault::request);
  const auto wanted = static_cast<int64_t>(static_cast<double>(window) * (1 - sliding.overlap));
  const int64_t step = std::clamp<int64_t>(wanted, 1, window - 2 * sliding.margin);
  const int64_t last = size - window, steps = (last + step - 1) / step;
  Starts starts{0};
  for (int64_t i = 1; i <= steps; ++i) starts.push_back(last * i / steps);
  return starts;
}

Tensor slide(const Tensor& images, const Starts& window, const Sliding& sliding, int64_t batch,
             const Forward& forward) {
  const torch::NoGradGuard no_grad;
  std::vector<Starts> axes;
  for (size_t a = 0; a < window.size(); ++a)
    axes.push_back(window_starts(images.size(static_cast<int64_t>(a) + 2), window[a], sliding));
  const auto starts = combinations(axes);
  auto shape = images.sizes().vec();
  shape[1] = 1;
  Tensor sum = torch::zeros(shape);
  shape[0] = 1;
  Tensor weight = torch::zeros(shape);  // the same for every image
  for (const auto& start : starts)
    view(weight, 0, start, window).add_(weights_at(axes, start, window, sliding.margin));
  const auto windows = static_cast<int64_t>(starts.size()), total = images.size(0) * windows;
  for (int64_t first = 0; first < total; first += batch) {
    const int64_t count = std::min(batch, total - first);
    std::vector<Tensor> parts;
    for (int64_t i = first; i < first + count; ++i)
      parts.push_back(view(images, i / windows, starts[static_cast<size_t>(i % windows)], window));
    const Tensor p = forward(torch::cat(parts)).to(torch::kCPU, torch::kFloat);
    for (int64_t i = 0; i < count; ++i) {
      const auto& start = starts[static_cast<size_t>((first + i) % windows)];
      view(sum, (first + i) / windows, start, window)
          .add_(p.narrow(0, i, 1) * weights_at(axes, start, window, sliding.margin));
    }
  }
  return sum / weight;
}

}  // namespace hilum::predict
