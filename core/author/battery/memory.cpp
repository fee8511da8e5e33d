// SPDX-License-Identifier: Apache-2.0
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <fmt/format.h>
#include <malloc.h>
#include <torch/torch.h>

#include <algorithm>
#include <atomic>

#include "core/author/battery/checks.hpp"

namespace hilum::author {
namespace {

// Every allocation of LibTorch's in this thread, and in the backward passes that it starts.
struct Ledger : c10::MemoryReportingInfoBase {
  void reportMemoryUsage(void*, int64_t bytes, size_t, size_t, c10::Device) override {
    held += bytes;
  }
  bool memoryProfilingEnabled() const override { return true; }
  std::atomic<int64_t> held = 0;
};

void pass(Subject& s) {
  s.module->train();
  const Tensor loss = s.loss(s.inputs);
  if (loss.requires_grad()) loss.backward();
  for (auto& p : s.module->parameters())
    if (p.grad().defined()) p.mutable_grad().zero_();
  evaluated(s, s.inputs);
}

size_t heap() { return mallinfo2().uordblks; }

}  // namespace

void check_leaks(Trial& t) {
  constexpr int kPasses = 8;
  constexpr size_t kCounters = 512;  // bytes a pass: what vectors that grow take is more
  const auto ledger = std::make_shared<Ledger>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, ledger);
  Subject s = t.small_one({.size = t.usual(2)});
  t.trying(fmt::format("{} passes, forward and backward, after two that warm up", kPasses));
  pass(s), pass(s);
  int64_t tensors = INT64_MAX;
  size_t other = SIZE_MAX;
  for (int i = 0; i < kPasses; ++i) {
    const int64_t held = ledger->held;
    const size_t used = heap();
    pass(s);
    tensors = std::min<int64_t>(tensors, ledger->held - held);
    other = std::min(other, heap() > used ? heap() - used : 0);
  }
  constexpr const char* kLook =
      "Something keeps what a pass made: a vector that grows, a cache without an end, or a tensor "
      "with its graph in a member (detach it).";
  t.expect(tensors <= 0, fmt::format("{} bytes of tensors stay after each pass", tensors), kLook);
  t.expect(other < kCounters, fmt::format("{} bytes stay after each pass", other), kLook);
}

}  // namespace hilum::author
