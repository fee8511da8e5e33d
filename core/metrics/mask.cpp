// SPDX-License-Identifier: Apache-2.0
#include "core/metrics/mask.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "core/metrics/box.hpp"
#include "core/metrics/statistics.hpp"
#include "hilum/error.hpp"

namespace hilum::metrics {
namespace {

[[noreturn]] void fail(const std::string& what) { throw Error("metrics: " + what, Fault::data); }

void check(const MaskView& mask, const char* which) {
  const auto axes = mask.size.size();
  if (axes != 2 && axes != 3)
    fail(fmt::format("the {} has {} axes, allowed 2 ([H,W]) or 3 ([D,H,W]).", which, axes));
  if (mask.spacing.size() != axes)
    fail(fmt::format("the {} has {} axes but {} spacings. Give one spacing in mm an axis.", which,
                     axes, mask.spacing.size()));
  for (const int64_t n : mask.size)
    if (n < 1) fail(fmt::format("the {} has size {}, every axis needs a voxel.", which, mask.size));
  for (const double s : mask.spacing)
    if (!(s > 0) || !std::isfinite(s))
      fail(fmt::format("the {} has spacing {} mm, allowed are numbers above 0.", which,
                       mask.spacing));
  const auto voxels =
      std::reduce(mask.size.begin(), mask.size.end(), int64_t{1}, std::multiplies{});
  if (static_cast<int64_t>(mask.voxels.size()) != voxels)
    fail(fmt::format("the {} has {} voxels, its size {} needs {}.", which, mask.voxels.size(),
                     mask.size, voxels));
}

void check(const MaskView& pred, const MaskView& truth) {
  check(pred, "prediction");
  check(truth, "truth");
  if (pred.size != truth.size)
    fail(
        fmt::format("the prediction has size {}, the truth {}. Resample one onto the other's grid.",
                    pred.size, truth.size));
  for (size_t a = 0; a < pred.spacing.size(); ++a)
    if (std::abs(pred.spacing[a] - truth.spacing[a]) > 1e-3 * truth.spacing[a])
      fail(
          fmt::format("the prediction has spacing {} mm, the truth {} mm. "
                      "Resample one onto the other's grid.",
                      pred.spacing, truth.spacing));
}

/// One or both masks are empty: there is nothing to measure, but the case still counts.
MaskScores without_surface(const MaskView& truth, Empty empty) {
  MaskScores scores;
  scores.empty = empty;
  if (empty == Empty::both) {
    scores.dice = scores.iou = scores.precision = scores.sensitivity = 1;
    return scores;
  }
  double squares = 0;
  for (size_t a = 0; a < truth.size.size(); ++a) {
    const double mm = static_cast<double>(truth.size[a]) * truth.spacing[a];
    squares += mm * mm;
  }
  scores.hd = scores.hd95 = scores.assd = std::sqrt(squares);
  return scores;
}

}  // namespace

MaskScores compare(const MaskView& pred, const MaskView& truth) {
  check(pred, truth);
  MaskView pred_on_grid = pred;
  pred_on_grid.spacing = truth.spacing;  // equal up to the digits that file formats keep
  const Box box = crop(pred_on_grid, truth);
  if (!box.pred_count || !box.truth_count)
    return without_surface(truth, box.pred_count    ? Empty::truth
                                  : box.truth_count ? Empty::pred
                                                    : Empty::both);
  const auto hit = static_cast<double>(box.both_count);
  const auto in_pred = static_cast<double>(box.pred_count);
  const auto in_truth = static_cast<double>(box.truth_count);
  MaskScores scores;
  scores.dice = 2 * hit / (in_pred + in_truth);
  scores.iou = hit / (in_pred + in_truth - hit);
  scores.precision = hit / in_pred;
  scores.sensitivity = hit / in_truth;

  const auto pred_surface = surface(box, box.pred), truth_surface = surface(box, box.truth);
  auto there = distances(box.grid, pred_surface, truth_surface);
  auto back = distances(box.grid, truth_surface, pred_surface);
  const auto sum = [](const auto& v) { return std::accumulate(v.begin(), v.end(), 0.0); };
  scores.assd = (sum(there) + sum(back)) / static_cast<double>(there.size() + back.size());
  scores.hd = std::max(std::ranges::max(there), std::ranges::max(back));
  scores.hd95 = std::max(percentile(std::move(there), 95), percentile(std::move(back), 95));
  return scores;
}

std::string to_string(Empty empty) {
  switch (empty) {
    case Empty::none:
      return "none";
    case Empty::pred:
      return "pred";
    case Empty::truth:
      return "truth";
    case Empty::both:
      return "both";
  }
  return "";
}

std::array<std::pair<const char*, double>, 7> named(const MaskScores& scores) {
  return {{{"dice", scores.dice},
           {"iou", scores.iou},
           {"precision", scores.precision},
           {"sensitivity", scores.sensitivity},
           {"hd", scores.hd},
           {"hd95", scores.hd95},
           {"assd", scores.assd}}};
}

}  // namespace hilum::metrics
