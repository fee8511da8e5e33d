// SPDX-License-Identifier: Apache-2.0
#include "core/train/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hilum::train {
namespace {

// torch.optim.lr_scheduler.OneCycleLR's defaults.
constexpr double kRise = 0.3, kStartDivisor = 25, kEndDivisor = 1e4, kLowMomentum = 0.85,
                 kHighMomentum = 0.95;

double cosine(double from, double to, double t) {
  return to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * std::clamp(t, 0.0, 1.0)));
}

// Position in one-cycle's two phases: rising [0,1], then falling [1,2].
double cycle(int64_t step, int64_t total) {
  const double peak = kRise * static_cast<double>(total) - 1, end = static_cast<double>(total) - 1;
  const auto at = static_cast<double>(step);
  if (at <= peak) return peak > 0 ? at / peak : 1;
  return end > peak ? 1 + (at - peak) / (end - peak) : 2;
}

}  // namespace

Schedule::Schedule(const config::TrainOptions& options, int64_t steps_per_epoch)
    : options_(options),
      per_epoch_(std::max<int64_t>(1, steps_per_epoch)),
      total_(std::max<int64_t>(1, per_epoch_ * options.epochs)),
      warmup_(std::llround(options.warmup * static_cast<double>(per_epoch_))) {}

double Schedule::progress(int64_t step) const {
  const auto after = static_cast<double>(std::max<int64_t>(0, step - warmup_));
  return after / static_cast<double>(std::max<int64_t>(1, total_ - warmup_));
}

double Schedule::lr(int64_t step) const {
  const double base = options_.lr, low = options_.min_lr;
  if (options_.schedule == "onecycle") {
    const double at = cycle(step, total_), start = base / kStartDivisor;
    return at <= 1 ? cosine(start, base, at) : cosine(base, start / kEndDivisor, at - 1);
  }
  if (step < warmup_) return base * static_cast<double>(step + 1) / static_cast<double>(warmup_);
  if (options_.schedule == "cosine") return cosine(base, low, progress(step));
  if (options_.schedule == "poly")
    return low + (base - low) * std::pow(1 - progress(step), options_.poly_power);
  if (options_.schedule == "step") {
    const int64_t epoch = std::max<int64_t>(0, step - warmup_) / per_epoch_;
    return std::max(low, base * std::pow(options_.step_gamma,
                                         static_cast<double>(epoch / options_.step_every)));
  }
  return base;
}

double Schedule::momentum(int64_t step, double base) const {
  if (options_.schedule != "onecycle") return base;
  const double at = cycle(step, total_);
  return at <= 1 ? cosine(kHighMomentum, kLowMomentum, at)
                 : cosine(kLowMomentum, kHighMomentum, at - 1);
}

}  // namespace hilum::train
