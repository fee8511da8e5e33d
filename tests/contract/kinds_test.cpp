// SPDX-License-Identifier: Apache-2.0
// What only fusions, only regularizers or only heads must do.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "contract.hpp"

namespace hilum::contract {
namespace {

class FusionContract : public Contract {};

TEST_P(FusionContract, KeepsTheSizeOfWhatItReplaces) {
  for (const int64_t dims : {2, 3}) {
    Subject s = small_one({.size = usual(dims)});
    EXPECT_EQ(evaluated(s, s.inputs)[0].sizes().slice(2), s.inputs[0].sizes().slice(2));
  }
}

TEST_P(FusionContract, TakesOtherSizesWhereItSaysSo) {
  const auto size = usual(2);
  Site site{.in = {{1, 6, size[0], size[1]}, {1, 6, size[0] / 2, size[1] / 2 + 1}},
            .image = {1, 1, size[0], size[1]}};
  const auto made = std::dynamic_pointer_cast<Fusion>(part().make(small(part()), site));
  if (!made->any_size()) GTEST_SKIP() << "needs equal sizes";
  const auto out = made->forward(
      {torch::rand({2, 6, size[0], size[1]}), torch::rand({2, 6, size[0] / 2, size[1] / 2 + 1})});
  EXPECT_EQ(out.sizes().slice(2), c10::IntArrayRef(size));
}
INSTANTIATE_TEST_SUITE_P(All, FusionContract, ::testing::ValuesIn(of_kind("fusion")), test_name);

class RegularizerContract : public Contract {};

TEST_P(RegularizerContract, GivesLogitsOfTheSameShape) {
  for (const int64_t dims : {2, 3}) {
    Subject s = small_one({.size = usual(dims)});
    const auto out = evaluated(s, s.inputs)[0];
    EXPECT_EQ(out.sizes(), s.inputs[0].sizes());
    EXPECT_EQ(out.scalar_type(), torch::kFloat);
  }
}

TEST_P(RegularizerContract, WorksWithoutAGuide) {
  Subject s = small_one({.size = usual(2), .guided = false});
  s.loss(s.inputs).backward();
  for (const auto& item : s.module->named_parameters())
    EXPECT_TRUE(item.value().grad().defined()) << item.key() << " is there for a guide that is not";
}

TEST_P(RegularizerContract, LargeLogitsStayFinite) {
  Subject s = small_one({.size = usual(2)});
  s.inputs[0] = (s.inputs[0] * 100).set_requires_grad(true);
  const auto loss = s.loss(s.inputs);
  loss.backward();
  EXPECT_TRUE(loss.isfinite().item<bool>());
  EXPECT_TRUE(s.inputs[0].grad().isfinite().all().item<bool>());
}
INSTANTIATE_TEST_SUITE_P(All, RegularizerContract, ::testing::ValuesIn(of_kind("regularizer")),
                         test_name);

class HeadContract : public Contract {
 protected:
  Named outputs(Subject& s) {
    auto& head = dynamic_cast<Head&>(*s.module);
    s.module->eval();
    Named all = head.forward(s.inputs);
    for (auto& [name, t] : head.predict(all)) all[name] = t;
    return all;
  }
};

TEST_P(HeadContract, GivesWhatItDeclares) {
  for (const int64_t dims : {2, 3}) {
    Subject s = small_one({.size = usual(dims)});
    const auto all = outputs(s);
    const auto declared = dynamic_cast<Head&>(*s.module).outputs();
    ASSERT_FALSE(declared.empty());
    for (const auto& output : declared) {
      ASSERT_TRUE(all.count(output.logits)) << output.logits;
      ASSERT_TRUE(all.count(output.probability)) << output.probability;
      const auto& p = all.at(output.probability);
      EXPECT_EQ(p.dim(), output.kind == OutputKind::mask ? dims + 2 : 2) << output.probability;
      const bool probability = output.kind == OutputKind::mask ||
                               output.kind == OutputKind::binary ||
                               output.kind == OutputKind::multilabel;
      if (probability) {
        EXPECT_TRUE(p.ge(0).logical_and(p.le(1)).all().item<bool>()) << output.probability;
      }
    }
  }
}

TEST_P(HeadContract, UnknownTargetsTeachNothing) {
  Subject s = small_one({.size = usual(2)});
  auto& head = dynamic_cast<Head&>(*s.module);
  const auto batch = targets(head, usual(2), 2, false);
  Tensor sum = torch::zeros({});
  for (const auto& [name, term] : head.loss(outputs(s), batch)) {
    EXPECT_TRUE(term.isfinite().item<bool>()) << name;
    EXPECT_EQ(term.dim(), 0) << name;
    sum = sum + term;
  }
  if (!sum.requires_grad()) return;
  sum.backward();
  for (const auto& item : s.module->named_parameters())
    if (item.value().grad().defined()) {
      EXPECT_TRUE(item.value().grad().isfinite().all().item<bool>()) << item.key();
    }
}
INSTANTIATE_TEST_SUITE_P(All, HeadContract, ::testing::ValuesIn(of_kind("head")), test_name);
}  // namespace
}  // namespace hilum::contract
