// SPDX-License-Identifier: Apache-2.0
// A model may hold several instances of a plugin, and several models may be alive at once.
#include <torch/torch.h>

#include <exception>
#include <thread>

#include "core/author/battery/checks.hpp"
#include "core/model/weights.hpp"

namespace hilum::author {
namespace {

constexpr const char* kShared =
    "State that instances share: a static or global variable, or a tensor made once for all. Make "
    "it a member.";

// One step of training, with gradients and moved weights.
void train_once(Subject& s) {
  s.module->train();
  const Tensor loss = s.loss(s.inputs);
  if (loss.requires_grad()) loss.backward();
  const torch::NoGradGuard no_grad;
  for (auto& p : s.module->parameters()) p.add_(0.1);
}

}  // namespace

void check_instances(Trial& t) {
  Subject a = t.small_one({.size = t.usual(2), .seed = 1});
  a.run(a.inputs);
  const auto before = evaluated(a, a.inputs);
  t.trying("another instance is built and trained for a step; then the first one again");
  auto other = t.usual(2);
  other[0] += 1;
  Subject b = t.small_one({.size = other, .seed = 2});
  for (const auto& [name, tensor] : model::state(*a.module))
    for (const auto& [twin, same] : model::state(*b.module))
      t.expect(!tensor.is_alias_of(same) || tensor.numel() == 0,
               "'" + name + "' of one is '" + twin + "' of the other", kShared);
  train_once(b);
  expect_same(evaluated(a, a.inputs), before, 0, "the first instance", kShared);
  t.trying("a third instance, with the first one's seed");
  Subject c = t.small_one({.size = t.usual(2), .seed = 1});
  c.run(c.inputs);
  expect_same(evaluated(c, a.inputs), before, 0, "the third instance", kShared);
}

void check_threads(Trial& t) {
  constexpr int kRounds = 4;
  Subject a = t.small_one({.size = t.usual(2), .seed = 1}),
          b = t.small_one({.size = t.usual(2), .seed = 2});
  const auto of_a = evaluated(a, a.inputs), of_b = evaluated(b, b.inputs);
  t.trying("two instances, each in a thread of its own, four times");
  std::exception_ptr failed;
  const auto work = [&](Subject& s, const Tensors& expected) {
    for (int i = 0; i < kRounds; ++i)
      expect_same(evaluated(s, s.inputs), expected, 1e-5, "beside the other thread",
                  "A variable that is shared without a lock: static, global, or in the library.");
  };
  std::thread other([&] {
    try {
      work(b, of_b);
    } catch (...) {
      failed = std::current_exception();
    }
  });
  std::exception_ptr here;
  try {
    work(a, of_a);
  } catch (...) {
    here = std::current_exception();
  }
  other.join();
  for (const auto& error : {here, failed})
    if (error) std::rethrow_exception(error);
}

}  // namespace hilum::author
