// SPDX-License-Identifier: Apache-2.0
// Repetition, train and eval mode.
#include <fmt/format.h>
#include <torch/torch.h>

#include "core/author/battery/checks.hpp"
#include "core/model/weights.hpp"

namespace hilum::author {
namespace {

std::map<std::string, Tensor> copy_of_state(const torch::nn::Module& module) {
  auto all = model::state(module);
  for (auto& [name, t] : all) t = t.detach().clone();
  return all;
}

constexpr const char* kRandom =
    "Random numbers of a generator of its own, memory that is not initialised, or something that "
    "is "
    "kept from one call to the next?";

}  // namespace

void check_repeats(Trial& t) {
  t.trying("two instances of the same seed: their weights");
  const Setting setting{.size = t.usual(2), .seed = 5};
  Subject a = t.small_one(setting), b = t.small_one(setting);
  const auto expected = model::state(*b.module);
  for (const auto& [name, tensor] : model::state(*a.module))
    t.expect(expected.count(name) && tensor.equal(expected.at(name)), "'" + name + "' differs",
             kRandom);
  t.trying("two instances of the same seed: a training step of each");
  for (Subject* s : {&a, &b}) {
    torch::manual_seed(3);
    const Tensor loss = s->loss(s->inputs);
    if (loss.requires_grad()) loss.backward();
  }
  const auto pa = a.module->named_parameters(), pb = b.module->named_parameters();
  for (const auto& item : pa) {
    const Tensor &ga = item.value().grad(), &gb = pb[item.key()].grad();
    t.expect(ga.defined() == gb.defined() && (!ga.defined() || ga.equal(gb)),
             "the gradient of '" + item.key() + "' differs", kRandom);
  }
  expect_same(evaluated(a, a.inputs), evaluated(b, b.inputs), 0, "after the step", kRandom);
}

void check_eval(Trial& t) {
  Subject s = t.small_one({.size = t.usual(2)});
  s.run(s.inputs);  // in train mode: running means move
  const auto before = copy_of_state(*s.module);
  Tensors inputs;
  for (const auto& x : s.inputs) inputs.push_back(x.clone());
  t.trying("eval mode, twice on the same input");
  const auto first = evaluated(s, s.inputs);
  expect_same(evaluated(s, s.inputs), first, 0, "the second time",
              "Dropout or noise that does not ask is_training(), or a module that was not "
              "registered and stays in train mode.");
  t.trying("eval mode after train mode and back");
  s.module->train();
  expect_same(evaluated(s, s.inputs), first, 0, "after train() and eval()",
              "Something was kept from train mode.");
  for (const auto& [name, tensor] : model::state(*s.module))
    t.expect(tensor.equal(before.at(name)), "'" + name + "' moved in eval mode",
             "Running means move in train mode alone: pass is_training() to the batch norm.");
  expect_same(s.inputs, inputs, 0, "its inputs were changed",
              "An in-place operation (relu_, add_) on what it was given: others read it, too.");
  for (const auto& item : s.module->named_modules())
    t.expect(!item.value()->is_training(), "'" + item.key() + "' stays in train mode",
             "An override of train() must call that of its base.");
}

void check_batch(Trial& t) {
  t.trying("a batch of 3 in eval mode, and its samples one by one");
  Subject s = t.small_one({.size = t.usual(2), .batch = 3});
  const auto together = evaluated(s, s.inputs);
  for (int64_t n = 0; n < 3; ++n) {
    Tensors one, expected;
    for (const auto& x : s.inputs) one.push_back(x.narrow(0, n, 1));
    for (const auto& y : together) expected.push_back(y.narrow(0, n, 1));
    expect_same(evaluated(s, one), expected, 1e-4, fmt::format("sample {} alone", n),
                "Statistics of the batch in eval mode: a batch norm in train mode, or a mean over "
                "dimension 0.");
  }
}

}  // namespace hilum::author
