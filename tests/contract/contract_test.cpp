// SPDX-License-Identifier: Apache-2.0
// What every plugin must do, in 2D and 3D. To try one alone:
//   build/tests/contract_test --gtest_filter='*backbone_unet*'
#include "contract.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/torch.h>

#include "core/model/safetensors.hpp"
#include "core/model/weights.hpp"
#include "core/train/compute.hpp"
#include "tests/parts/kit.hpp"

namespace hilum::contract {
namespace {
using ::testing::IsEmpty;

std::map<std::string, Tensor> copy_of_state(const torch::nn::Module& module) {
  auto all = model::state(module);
  for (auto& [name, t] : all) t = t.detach().clone();
  return all;
}

void expect_close(const Tensors& a, const Tensors& b, double tolerance, const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].sizes(), b[i].sizes()) << what << ": output " << i;
    EXPECT_TRUE(torch::allclose(a[i], b[i], tolerance, tolerance))
        << what << ": output " << i << " differs by " << (a[i] - b[i]).abs().max().item<double>();
  }
}

void expect_same_bits(const Tensors& a, const Tensors& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(a[i].equal(b[i])) << what << ": output " << i;
}

TEST_P(Contract, ComputesAtTinyEvenAndOddSizes) {
  for (const int64_t dims : {2, 3}) {
    const Values options = narrow(part());
    const int64_t least = smallest(part(), options, dims);
    EXPECT_LE(least, 32) << "needs more than a small region";
    const Size tiny(static_cast<size_t>(dims), least), even(static_cast<size_t>(dims), 2 * least);
    const Size odd =
        dims == 2 ? Size{2 * least + 1, least + 3} : Size{least, least + 3, 2 * least + 1};
    for (const auto& size : {tiny, even, odd})
      for (const int64_t batch : {1, 2}) {
        Subject s = make(part(), options, {.size = size, .batch = batch});
        const auto out = evaluated(s, s.inputs);
        EXPECT_FALSE(out.empty());
        for (const auto& t : out) {
          EXPECT_EQ(t.size(0), batch);
          EXPECT_TRUE(t.isfinite().all().item<bool>())
              << "not finite at " << c10::IntArrayRef(size);
        }
      }
  }
}

TEST_P(Contract, EveryParameterReceivesAFiniteGradient) {
  for (const int64_t dims : {2, 3}) {
    Subject s = small_one({.size = usual(dims), .batch = 3});
    for (auto& x : s.inputs) x.set_requires_grad(true);
    const Tensor loss = s.loss(s.inputs);
    ASSERT_TRUE(loss.isfinite().item<bool>());
    loss.backward();
    for (const auto& item : s.module->named_parameters()) {
      ASSERT_TRUE(item.value().grad().defined()) << item.key() << " received no gradient";
      EXPECT_TRUE(item.value().grad().isfinite().all().item<bool>())
          << item.key() << " has a gradient that is not finite";
    }
    for (size_t i = 0; i < s.learns_from; ++i)
      EXPECT_TRUE(s.inputs[i].grad().defined()) << "input " << i << " received no gradient";
  }
}

// Along a random direction of all inputs and parameters at once. The median over directions, since
// a network of ReLUs has corners that a step may cross.
double median_gradient_error(Subject& s, const std::vector<Tensor>& variables) {
  const auto value = [&] {
    torch::manual_seed(7);  // dropout drops the same
    return s.loss(s.inputs);
  };
  const auto grads = torch::autograd::grad({value()}, variables, {}, false, false, true);
  const torch::NoGradGuard no_grad;
  const double size = value().abs().item<double>();
  std::vector<double> errors;
  for (int k = 0; k < 7; ++k) {
    Tensors direction;
    torch::manual_seed(static_cast<uint64_t>(100 + k));
    for (const auto& v : variables) direction.push_back(torch::randn_like(v));
    double expected = 0;
    for (size_t i = 0; i < variables.size(); ++i)
      if (grads[i].defined()) expected += (grads[i] * direction[i]).sum().item<double>();
    // Steep is bent, too: batch norm of three values, several times over, has slopes of 1e5.
    const double step = std::min(1e-7, 1e-4 / (std::abs(expected) + 1e-9));
    const auto move = [&](double by) {
      for (size_t i = 0; i < variables.size(); ++i) variables[i].detach().add_(direction[i], by);
    };
    move(step);
    const double above = value().item<double>();
    move(-2 * step);
    const double below = value().item<double>();
    move(step);
    const double measured = (above - below) / (2 * step);
    errors.push_back(std::abs(measured - expected) /
                     (std::abs(measured) + std::abs(expected) + 1e-4 * (1 + size)));
  }
  std::nth_element(errors.begin(), errors.begin() + 3, errors.end());
  return errors[3];
}

TEST_P(Contract, GradientsAgreeWithFiniteDifferences) {
  for (const int64_t dims : {2, 3})
    for (const bool training : {false, true}) {
      Subject s = small_one({.size = usual(dims), .batch = 3});
      s.module->to(torch::kDouble);
      s.module->train(training);
      std::vector<Tensor> variables = s.module->parameters();
      {
        const torch::NoGradGuard no_grad;
        for (auto& p : variables) p.add_(torch::randn_like(p), 0.05);  // away from zeros and ones
      }
      for (auto& x : s.inputs) x = x.to(torch::kDouble);
      for (size_t i = 0; i < s.learns_from; ++i)
        variables.push_back(s.inputs[i].set_requires_grad(true));
      if (!s.loss(s.inputs).requires_grad()) GTEST_SKIP() << "not differentiable";
      EXPECT_LT(median_gradient_error(s, variables), 1e-4)
          << dims << "D, " << (training ? "train" : "eval") << " mode";
    }
}

TEST_P(Contract, EvalIsDeterministicAndChangesNothing) {
  Subject s = small_one({.size = usual(2)});
  s.run(s.inputs);  // in train mode: running means move
  const auto before = copy_of_state(*s.module);
  Tensors inputs;
  for (const auto& x : s.inputs) inputs.push_back(x.clone());
  const auto first = evaluated(s, s.inputs);
  expect_same_bits(first, evaluated(s, s.inputs), "a second time");
  s.module->train();
  expect_same_bits(first, evaluated(s, s.inputs), "after train() and eval()");
  for (const auto& [name, t] : model::state(*s.module))
    EXPECT_TRUE(t.equal(before.at(name))) << name << " moved";
  expect_same_bits(inputs, s.inputs, "its inputs");
  for (const auto& item : s.module->named_modules())
    EXPECT_FALSE(item.value()->is_training()) << item.key();
}

TEST_P(Contract, TheSameSeedGivesTheSameBytes) {
  Subject a = small_one({.size = usual(2), .seed = 5}),
          b = small_one({.size = usual(2), .seed = 5});
  const auto expected = model::state(*b.module);
  for (const auto& [name, t] : model::state(*a.module))
    EXPECT_TRUE(t.equal(expected.at(name))) << name;
  for (Subject* s : {&a, &b}) {  // and a step of training does, too
    torch::manual_seed(3);
    const Tensor loss = s->loss(s->inputs);
    if (loss.requires_grad()) loss.backward();
  }
  for (size_t i = 0; i < a.module->parameters().size(); ++i)
    EXPECT_TRUE(a.module->parameters()[i].grad().equal(b.module->parameters()[i].grad()))
        << a.module->named_parameters()[i].key();
  expect_same_bits(evaluated(a, a.inputs), evaluated(b, b.inputs), "outputs");
}

TEST_P(Contract, AStateComesBackFromItsFile) {
  const kit::Folder folder;
  Subject a = small_one({.size = usual(2), .seed = 1}),
          b = small_one({.size = usual(2), .seed = 2});
  a.run(a.inputs);
  model::write_safetensors(folder.path() / "w", model::state(*a.module));
  const auto report = model::load_state(*b.module, model::read_safetensors(folder.path() / "w"));
  EXPECT_THAT(report.missing, IsEmpty());
  EXPECT_THAT(report.left_over, IsEmpty());
  EXPECT_THAT(report.mismatched, IsEmpty());
  expect_same_bits(evaluated(a, a.inputs), evaluated(b, a.inputs), "outputs");
}

TEST_P(Contract, SamplesOfABatchDoNotMeetInEval) {
  Subject s = small_one({.size = usual(2), .batch = 3});
  const auto together = evaluated(s, s.inputs);
  for (int64_t n = 0; n < 3; ++n) {
    Tensors one, expected;
    for (const auto& x : s.inputs) one.push_back(x.narrow(0, n, 1));
    for (const auto& y : together) expected.push_back(y.narrow(0, n, 1));
    expect_close(evaluated(s, one), expected, 1e-4, "sample " + std::to_string(n));
  }
}

TEST_P(Contract, MemoryLayoutDoesNotMatter) {
  for (const int64_t dims : {2, 3}) {
    Subject s = small_one({.size = usual(dims)});
    const auto expected = evaluated(s, s.inputs);
    Tensors turned, last;
    for (const auto& x : s.inputs) {
      const bool image = x.dim() > 2;
      turned.push_back(x.transpose(0, -1).contiguous().transpose(0, -1));
      last.push_back(!image ? x
                            : x.contiguous(dims == 2 ? torch::MemoryFormat::ChannelsLast
                                                     : torch::MemoryFormat::ChannelsLast3d));
    }
    expect_close(evaluated(s, turned), expected, 1e-4, "not contiguous");
    expect_close(evaluated(s, last), expected, 1e-4, "channels last");
  }
}

TEST_P(Contract, ATraceRunsAtAnotherSize) {
  Subject s = small_one({.size = usual(2)});
  for (auto& p : s.module->parameters()) p.set_requires_grad(false);  // constants of the trace
  evaluated(s, s.inputs);
  const torch::NoGradGuard no_grad;
  // All outputs as one: a function has a single one.
  const auto flat = [&](const Tensors& in) {
    Tensors rows;
    for (const auto& t : s.run(in)) rows.push_back(t.flatten());
    return torch::cat(rows);
  };
  const auto work = [&](torch::jit::Stack in) {
    Tensors tensors;
    for (const auto& value : in) tensors.push_back(value.toTensor());
    return torch::jit::Stack{flat(tensors)};
  };
  const auto traced =
      torch::jit::tracer::trace({s.inputs.begin(), s.inputs.end()}, work, [](const Tensor&) {
        return std::string();
      }).first;
  torch::jit::GraphFunction function("traced", traced->graph, nullptr);
  auto size = usual(2);
  size[0] += 2 * smallest(part(), small(part()), 2), size[1] += 1;
  const Subject larger = small_one({.size = size, .seed = 4});
  torch::jit::Stack stack(larger.inputs.begin(), larger.inputs.end());
  function.run(stack);
  expect_close({stack.at(0).toTensor()}, {flat(larger.inputs)}, 1e-4, "traced");
}

TEST_P(Contract, MovesToTheGpu) {
  if (!train::cuda_available()) GTEST_SKIP() << "LibTorch sees no GPU here";
  Subject s = small_one({.size = usual(2)});
  auto expected = evaluated(s, s.inputs);
  s.module->to(torch::kCUDA);
  Tensors moved;
  for (const auto& x : s.inputs) moved.push_back(x.to(torch::kCUDA));
  auto out = evaluated(s, moved);
  for (auto& t : out) {
    EXPECT_TRUE(t.is_cuda());
    t = t.cpu();
  }
  expect_close(out, expected, 1e-2, "on the GPU");  // TF32 convolutions
}

// Constructs and computes once, unless a rule across options forbids these values.
void try_options(const Plugin& plugin, const Values& values, const std::string& what) {
  SCOPED_TRACE(what);
  Problems problems;
  plugin.validate(values, plugin.kind + " '" + plugin.name + "'", "test", problems, {});
  if (!problems.empty()) return;
  Subject s = make(plugin, values, {.size = {64, 64}, .batch = 1});
  for (const auto& t : evaluated(s, s.inputs)) EXPECT_TRUE(t.isfinite().all().item<bool>());
}

TEST_P(Contract, DefaultsAreInTheirOwnRanges) {
  Values values;
  for (const auto& p : part().parameters) values[p.name] = {p.fallback, "test"};
  Problems problems;
  part().validate(values, GetParam(), "test", problems, {});
  for (const auto& problem : problems) ADD_FAILURE() << problem.message;
  try_options(part(), {}, "defaults");
}

TEST_P(Contract, EveryChoiceAndEndOfARangeConstructs) {
  for (const auto& p : part().parameters) {
    std::vector<Data> tries(p.choices.begin(), p.choices.end());
    if (std::holds_alternative<bool>(p.fallback)) tries = {true, false};
    if (std::holds_alternative<int64_t>(p.fallback) && std::isfinite(p.low))
      tries.emplace_back(static_cast<int64_t>(p.low));
    if (std::holds_alternative<double>(p.fallback) && std::isfinite(p.low))
      tries.emplace_back(p.low);
    for (const auto& value : tries) {
      auto values = small(part());
      values[p.name] = {value, "test"};
      try_options(part(), values, p.name + " = " + to_text(value));
    }
  }
}

TEST_P(Contract, HelpIsWritten) {
  EXPECT_FALSE(part().summary.empty());
  EXPECT_FALSE(part().version.empty());
  for (const auto& p : part().parameters) EXPECT_FALSE(p.help.empty()) << p.name;
}

INSTANTIATE_TEST_SUITE_P(All, Contract, ::testing::ValuesIn(addresses()), test_name);
}  // namespace
}  // namespace hilum::contract
