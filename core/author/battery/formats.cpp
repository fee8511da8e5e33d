// SPDX-License-Identifier: Apache-2.0
// States, memory layouts, precisions, traces and devices.
#include <fmt/format.h>
#include <stdlib.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/torch.h>

#include <filesystem>

#include "core/author/battery/checks.hpp"
#include "core/model/autocast.hpp"
#include "core/model/safetensors.hpp"
#include "core/model/weights.hpp"
#include "core/train/compute.hpp"
#include "hilum/names.hpp"

namespace hilum::author {
namespace {

// All outputs as one: a traced function has a single one.
Tensor flat(const Subject& s, const Tensors& in) {
  Tensors rows;
  for (const auto& y : s.run(in)) rows.push_back(y.flatten());
  return torch::cat(rows);
}

struct TemporaryFile {
  TemporaryFile() {
    std::string name = (std::filesystem::temp_directory_path() / "hilum_state_XXXXXX").string();
    if (!mkdtemp(name.data())) throw Skipped{"no temporary folder can be made"};
    folder = name;
  }
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  std::filesystem::path folder;
};

// The first parameter whose gradient is not finite after a training step in bfloat16; "": none.
std::string not_finite_after_a_step(Subject s, bool images) {
  if (!images)
    for (auto& x : s.inputs) x = x.to(torch::kBFloat16);
  Tensor loss;
  {
    const model::Autocast on(true);
    loss = s.loss(s.inputs);
  }
  if (loss.requires_grad()) loss.backward();
  for (const auto& item : s.module->named_parameters())
    if (item.value().grad().defined() && !item.value().grad().isfinite().all().item<bool>())
      return item.key();
  return "";
}

}  // namespace

void check_save_load(Trial& t) {
  t.trying("the state of one instance, through a file, into another");
  const TemporaryFile place;
  Subject a = t.small_one({.size = t.usual(2), .seed = 1}),
          b = t.small_one({.size = t.usual(2), .seed = 2});
  a.run(a.inputs);  // running means move
  const auto file = place.folder / "state.safetensors";
  model::write_safetensors(file, model::state(*a.module));
  const auto report = model::load_state(*b.module, model::read_safetensors(file));
  for (const auto& [names, what] : {std::pair{report.missing, "is not in the file"},
                                    std::pair{report.left_over, "is in the file alone"},
                                    std::pair{report.mismatched, "has another shape"}})
    t.expect(names.empty(), fmt::format("'{}' {}", join(names, "', '"), what),
             "Parameters and buffers are made in the constructor, not in forward.");
  expect_same(evaluated(b, a.inputs), evaluated(a, a.inputs), 0, "with the same state",
              "Something that decides what comes out is neither a parameter nor a buffer: "
              "register_buffer.");
}

void check_layout(Trial& t) {
  constexpr const char* kLook =
      "A view() or data_ptr() that takes memory to be contiguous: use reshape or contiguous().";
  for (const int64_t dims : {2, 3}) {
    Subject s = t.small_one({.size = t.usual(dims)});
    const auto expected = evaluated(s, s.inputs);
    Tensors turned, last;
    for (const auto& x : s.inputs) {
      turned.push_back(x.transpose(0, -1).contiguous().transpose(0, -1));
      last.push_back(x.dim() <= 2 ? x
                                  : x.contiguous(dims == 2 ? torch::MemoryFormat::ChannelsLast
                                                           : torch::MemoryFormat::ChannelsLast3d));
    }
    t.trying(fmt::format("inputs that are not contiguous, {}D", dims));
    expect_same(evaluated(s, turned), expected, 1e-4, "not contiguous", kLook);
    t.trying(fmt::format("inputs in channels-last, {}D", dims));
    expect_same(evaluated(s, last), expected, 1e-4, "channels last", kLook);
  }
}

void check_autocast(Trial& t) {
  if (t.part.kind == "regularizer")
    throw Skipped{"regularizers are given float32, outside autocast"};
  constexpr double kTolerance = 0.1;  // of the largest value: bfloat16 has three digits
  // Batch norms over a few values only have slopes that no precision holds.
  auto size = t.usual(2);
  for (auto& n : size) n *= 2;
  Subject s = t.small_one({.size = size, .batch = 4});
  const auto expected = evaluated(s, s.inputs);
  Tensors inputs = s.inputs;
  if (t.part.kind != "backbone")  // what comes before gives bfloat16; an image is float32
    for (auto& x : inputs) x = x.to(torch::kBFloat16);
  {
    t.trying("bfloat16 autocast in eval mode");
    const model::Autocast on(true);
    const auto out = evaluated(s, inputs);
    for (size_t i = 0; i < out.size(); ++i) {
      const Tensor y = out[i].to(torch::kFloat);
      t.expect(y.isfinite().all().item<bool>(), fmt::format("output {} is not finite", i),
               "Sums over many values: do them in x.to(torch::kFloat).");
      const double error = difference(y, expected.at(i));
      t.expect(error < kTolerance,
               fmt::format("output {} is off by {:.2g} of its largest value", i, error),
               "Long iterations and sums lose digits: do them in x.to(torch::kFloat).");
    }
  }
  // Batch norms over few values amplify rounding, now and then beyond all numbers, and in one
  // process several times in turn: only what comes back at each of many starts is the plugin's.
  constexpr uint64_t kStarts = 10;
  std::string bad = "?";
  for (uint64_t seed = 1; seed <= kStarts && !bad.empty(); ++seed) {
    t.trying(fmt::format("a training step under bfloat16 autocast, seed {}", seed));
    bad = not_finite_after_a_step(t.small_one({.size = size, .batch = 4, .seed = seed}),
                                  t.part.kind == "backbone");
  }
  t.expect(bad.empty(), "the gradient of '" + bad + "' is not finite",
           "As above, in its backward.");
}

void check_trace(Trial& t) {
  t.trying("a trace at " + sizes(t.usual(2)));
  Subject s = t.small_one({.size = t.usual(2)});
  for (auto& p : s.module->parameters()) p.set_requires_grad(false);  // constants of the trace
  evaluated(s, s.inputs);
  const torch::NoGradGuard no_grad;
  const auto work = [&](torch::jit::Stack in) {
    Tensors tensors;
    for (const auto& value : in) tensors.push_back(value.toTensor());
    return torch::jit::Stack{flat(s, tensors)};
  };
  const auto no_names = [](const Tensor&) { return std::string(); };
  const auto traced =
      torch::jit::tracer::trace({s.inputs.begin(), s.inputs.end()}, work, no_names).first;
  torch::jit::GraphFunction function("traced", traced->graph, nullptr);
  auto size = t.usual(2);
  size[0] += 2 * smallest(t.part, small(t.part), 2), size[1] += 1;
  t.trying(fmt::format("that trace at {}", sizes(size)));
  const Subject larger = t.small_one({.size = size, .seed = 4});
  torch::jit::Stack stack(larger.inputs.begin(), larger.inputs.end());
  function.run(stack);
  expect_same({stack.at(0).toTensor()}, {flat(s, larger.inputs)}, 1e-4, "the trace",
              "A size that is read as a number is baked in: use resample_like(x, y), not "
              "x.size(2).");
}

void check_device(Trial& t) {
  if (!train::cuda_available()) throw Skipped{"LibTorch sees no GPU here"};
  t.trying("weights and inputs on the GPU");
  Subject s = t.small_one({.size = t.usual(2)});
  const auto expected = evaluated(s, s.inputs);
  s.module->to(torch::kCUDA);
  Tensors moved;
  for (const auto& x : s.inputs) moved.push_back(x.to(torch::kCUDA));
  auto out = evaluated(s, moved);
  for (auto& y : out) {
    t.expect(y.is_cuda(), "an output is on the CPU", "A tensor made without x.options()?");
    y = y.cpu();
  }
  expect_same(out, expected, 1e-2, "on the GPU", "TF32 convolutions explain 1 %, not more.");
}

}  // namespace hilum::author
