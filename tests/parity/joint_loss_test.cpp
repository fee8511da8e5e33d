// SPDX-License-Identifier: Apache-2.0
// The two papers' joint losses, of models assembled as their experiments assemble them, against the
// formulas written out in double precision on fixed logits and labels.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/parts/kit.hpp"

namespace hilum {
namespace {

using Numbers = std::vector<double>;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }
double bce(double z, double y) {
  return -y * std::log(sigmoid(z)) - (1 - y) * std::log(1 - sigmoid(z));
}
double mean_bce(const Numbers& z, const Numbers& y) {
  double sum = 0;
  for (size_t i = 0; i < z.size(); ++i) sum += bce(z[i], y[i]);
  return sum / static_cast<double>(z.size());
}
// 1 − (2 Σ p y + s) / (Σ p + Σ y + s)
double dice(const Numbers& z, const Numbers& y, double s) {
  double both = 0, sum = 0;
  for (size_t i = 0; i < z.size(); ++i) both += sigmoid(z[i]) * y[i], sum += sigmoid(z[i]) + y[i];
  return 1 - (2 * both + s) / (sum + s);
}

Tensor tensor(const Numbers& values, at::IntArrayRef shape) {
  return torch::tensor(values, torch::kDouble).view(shape);
}

// Two samples of 2x2 voxels; the second one is empty.
const Numbers kLogits{2.0, -1.0, 0.5, -3.0, -2.0, 0.25, -1.5, -4.0};
const Numbers kMask{1, 0, 1, 1, 0, 0, 0, 0};
constexpr at::IntArrayRef::value_type kVoxels[] = {2, 1, 2, 2};

TEST(JointLoss, Icpr2020IsDiceAndSevenCrossEntropiesAndL1) {
  auto m = kit::assemble(R"(
[data]
roi = [32, 32]
[backbone.seg]
plugin = "unet"
width = 2
[head.mask]
plugin = "segmentation"
on = "seg.S9"
loss = "dice"
smooth = 0
[head.attributes]
plugin = "attribute"
on = "seg.S5"
[head.diagnosis]
plugin = "malignancy"
on = ["seg.S5", "attributes.hidden"]
loss = "l1"
)");
  const Strings names{"subtlety",   "calcification", "sphericity", "margin",
                      "lobulation", "spiculation",   "texture"};
  const Numbers attributes{0.5, -1.0, 2.0,  0.0,  -0.5, 1.5,  -2.0,  // of the first sample
                           1.0, 3.0,  -1.5, 0.75, 0.2,  -0.1, 0.9};  // of the second
  const Numbers ratings{5, 6, 4, 3.5, 1, 2, 4.75, 3, 6, 3.75, 1.5, 4, 1.25, 5};
  const Numbers diagnosis{0.7, -1.2}, malignant{1, 0};

  Named batch{{"mask", tensor(kMask, kVoxels)}, {"malignancy", tensor(malignant, {2, 1})}};
  double expected = dice(kLogits, kMask, 0);
  for (size_t a = 0; a < names.size(); ++a) {
    batch[names[a]] = tensor({ratings[a], ratings[a + 7]}, {2, 1});
    expected +=
        (bce(attributes[a], ratings[a] > 3.5) + bce(attributes[a + 7], ratings[a + 7] > 3.5)) / 2;
  }
  for (size_t n = 0; n < 2; ++n) expected += std::abs(malignant[n] - sigmoid(diagnosis[n])) / 2;

  const model::Outputs outputs{{"mask", {{"logits", tensor(kLogits, kVoxels)}}},
                               {"attributes", {{"logits", tensor(attributes, {2, 7})}}},
                               {"diagnosis", {{"logits", tensor(diagnosis, {2, 1})}}}};
  const auto losses = m->loss(outputs, batch);
  EXPECT_NEAR(losses.total.item<double>(), expected, 1e-14 * expected);
  EXPECT_EQ(losses.terms.size(), 9u);  // no cross-entropy on the mask
  EXPECT_EQ(losses.terms.count("mask.dice") + losses.terms.count("diagnosis.l1"), 2u);
  EXPECT_EQ(losses.terms.count("attributes.margin"), 1u);

  // And from the image on: what the assembled model gives goes into it.
  m->to(torch::kDouble);
  batch["image"] = torch::rand({2, 1, 32, 32}, torch::kDouble);
  batch["mask"] = (torch::rand({2, 1, 32, 32}, torch::kDouble) > 0.5).to(torch::kDouble);
  m->loss(m->forward(batch), batch).total.backward();
  for (const auto& p : m->named_parameters())
    EXPECT_TRUE(p.value().grad().defined() && p.value().grad().isfinite().all().item<bool>())
        << p.key();
}

TEST(JointLoss, UnknownAttributesAndDiagnosesLeaveTheirTermsOut) {
  auto m = kit::assemble(R"(
[data]
roi = [32, 32]
[backbone.seg]
plugin = "unet"
width = 2
[head.attributes]
plugin = "attribute"
attributes = ["margin"]
on = "seg.S5"
[head.diagnosis]
plugin = "malignancy"
on = "seg.S5"
loss = "l1"
)");
  const model::Outputs outputs{{"attributes", {{"logits", tensor({0.5, -1}, {2, 1})}}},
                               {"diagnosis", {{"logits", tensor({0.7, -1.2}, {2, 1})}}}};
  const Named batch{{"margin", tensor({kNaN, 4}, {2, 1})},
                    {"malignancy", tensor({kNaN, kNaN}, {2, 1})}};
  EXPECT_NEAR(m->loss(outputs, batch).total.item<double>(), bce(-1, 1), 1e-14);
}

TEST(JointLoss, Qims2025IsCrossEntropyAndDiceAndCrossEntropy) {
  auto m = kit::assemble(R"(
[data]
roi = [32, 32]
[backbone.cls]
plugin = "unet"
width = 2
[backbone.seg]
plugin = "unet"
width = 2
[head.nodule]
plugin = "binary_nodule"
on = "cls.S5"
[head.mask]
plugin = "segmentation"
on = "seg.S9"
)");
  const Numbers nodule{1.3, -0.4}, present{1, 0};
  const model::Outputs outputs{{"nodule", {{"logits", tensor(nodule, {2, 1})}}},
                               {"mask", {{"logits", tensor(kLogits, kVoxels)}}}};
  const Named batch{{"mask", tensor(kMask, kVoxels)}, {"nodule_present", tensor(present, {2, 1})}};
  const auto losses = m->loss(outputs, batch);
  const double expected =
      mean_bce(kLogits, kMask) + dice(kLogits, kMask, 1) + mean_bce(nodule, present);
  EXPECT_NEAR(losses.total.item<double>(), expected, 1e-14 * expected);
  EXPECT_EQ(losses.terms.size(), 3u);
}

}  // namespace
}  // namespace hilum
