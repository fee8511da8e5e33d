// SPDX-License-Identifier: Apache-2.0
// Learning rates worked out by hand.
#include "core/train/schedule.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace hilum::train {
namespace {

config::TrainOptions options(const std::string& schedule, int64_t epochs) {
  config::TrainOptions o;
  o.schedule = schedule, o.epochs = epochs, o.lr = 1;
  return o;
}

TEST(Schedule, Constant) {
  const Schedule s(options("constant", 3), 10);
  for (const int64_t step : {0, 7, 29, 1000}) EXPECT_DOUBLE_EQ(s.lr(step), 1);
  EXPECT_DOUBLE_EQ(s.momentum(5, 0.9), 0.9);
}

TEST(Schedule, WarmUpReachesTheRateAtItsLastStep) {
  auto o = options("constant", 10);
  o.warmup = 2;
  const Schedule s(o, 5);
  EXPECT_DOUBLE_EQ(s.lr(0), 0.1);
  EXPECT_DOUBLE_EQ(s.lr(4), 0.5);
  EXPECT_DOUBLE_EQ(s.lr(9), 1);
  EXPECT_DOUBLE_EQ(s.lr(10), 1);
}

TEST(Schedule, Step) {
  auto o = options("step", 20);
  o.step_gamma = 0.5, o.step_every = 5;
  const Schedule s(o, 10);
  EXPECT_DOUBLE_EQ(s.lr(0), 1);
  EXPECT_DOUBLE_EQ(s.lr(49), 1);
  EXPECT_DOUBLE_EQ(s.lr(50), 0.5);
  EXPECT_DOUBLE_EQ(s.lr(149), 0.25);
  EXPECT_DOUBLE_EQ(s.lr(150), 0.125);
  o.min_lr = 0.2;
  EXPECT_DOUBLE_EQ(Schedule(o, 10).lr(150), 0.2);
}

TEST(Schedule, Poly) {
  auto o = options("poly", 10);
  o.poly_power = 0.9;
  const Schedule s(o, 10);
  EXPECT_DOUBLE_EQ(s.lr(0), 1);
  EXPECT_NEAR(s.lr(50), 0.5358867, 1e-6);  // 0.5^0.9
  EXPECT_NEAR(s.lr(99), 0.0158489, 1e-6);  // 0.01^0.9
  o.poly_power = 2, o.min_lr = 0.1;
  EXPECT_DOUBLE_EQ(Schedule(o, 10).lr(50), 0.1 + 0.9 * 0.25);
}

TEST(Schedule, CosineAfterWarmUp) {
  auto o = options("cosine", 12);
  o.warmup = 2, o.min_lr = 0.2;
  const Schedule s(o, 10);  // 20 steps up, 100 down
  EXPECT_DOUBLE_EQ(s.lr(20), 1);
  EXPECT_NEAR(s.lr(45), 0.2 + 0.4 * (1 + std::sqrt(0.5)), 1e-12);  // a quarter: cos 45 degrees
  EXPECT_NEAR(s.lr(70), 0.6, 1e-12);
  EXPECT_NEAR(s.lr(120), 0.2, 1e-12);
  EXPECT_NEAR(s.lr(500), 0.2, 1e-12) << "past the end";
}

// torch.optim.lr_scheduler.OneCycleLR(max_lr=1, total_steps=210): the peak is at step 0.3 * 210 -
// 1, from 1/25 up, to 1/25/10^4 at the last step, both along half a cosine.
TEST(Schedule, OneCycleAsTorch) {
  const Schedule s(options("onecycle", 21), 10);
  EXPECT_NEAR(s.lr(0), 0.04, 1e-12);
  EXPECT_NEAR(s.lr(31), 0.52, 1e-12);
  EXPECT_DOUBLE_EQ(s.lr(62), 1);
  EXPECT_NEAR(s.lr(62 + 49), 1 - (1 - 4e-6) * 0.25, 1e-12);  // a third of the way: cos 60 = 1/2
  EXPECT_NEAR(s.lr(62 + 98), 4e-6 + (1 - 4e-6) * 0.25, 1e-12);
  EXPECT_NEAR(s.lr(209), 4e-6, 1e-15);
}

TEST(Schedule, OneCycleMovesTheMomentumAgainstTheRate) {
  const Schedule s(options("onecycle", 21), 10);
  EXPECT_DOUBLE_EQ(s.momentum(0, 0.9), 0.95);
  EXPECT_NEAR(s.momentum(31, 0.9), 0.9, 1e-12);
  EXPECT_DOUBLE_EQ(s.momentum(62, 0.9), 0.85);
  EXPECT_DOUBLE_EQ(s.momentum(209, 0.9), 0.95);
}

TEST(Schedule, OneStepInAllIsDefined) {
  for (const auto* name : {"constant", "step", "poly", "cosine", "onecycle"}) {
    const Schedule s(options(name, 1), 1);
    EXPECT_TRUE(std::isfinite(s.lr(0)) && s.lr(0) > 0) << name;
    EXPECT_TRUE(std::isfinite(s.momentum(0, 0.9))) << name;
  }
}
}  // namespace
}  // namespace hilum::train
