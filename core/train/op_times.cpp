// SPDX-License-Identifier: Apache-2.0
#include "core/train/op_times.hpp"

#include <ATen/record_function.h>

#include <array>
#include <chrono>
#include <mutex>
#include <utility>
#include <vector>

namespace hilum::train {
namespace {
using Clock = std::chrono::steady_clock;

// An operator that has begun, as its observer keeps it.
struct Begun : at::ObserverContext {
  Clock::time_point start;
  double inside = 0;  // seconds of the operators that it called
  Begun* caller = nullptr;
};

}  // namespace

struct OpTimes::Impl {
  at::CallbackHandle handle = 0;
  std::mutex mutex;
  std::map<std::string, Spent> spent;

  // The callback is a plain function: this is how it finds its object.
  static inline Impl* current = nullptr;
  static inline thread_local Begun* innermost = nullptr;

  static std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction&) {
    auto op = std::make_unique<Begun>();
    op->caller = std::exchange(innermost, op.get());
    op->start = Clock::now();
    return op;
  }
  static void end(const at::RecordFunction& function, at::ObserverContext* context) {
    auto* op = static_cast<Begun*>(context);
    if (op == nullptr) return;
    const double whole = std::chrono::duration<double>(Clock::now() - op->start).count();
    innermost = op->caller;
    if (innermost) innermost->inside += whole;
    if (!current) return;
    const std::lock_guard lock(current->mutex);
    auto& spent = current->spent[function.name()];
    spent.seconds += whole - op->inside, ++spent.calls;
  }
};

OpTimes::OpTimes() : impl_(std::make_unique<Impl>()) {
  Impl::current = impl_.get();
  impl_->handle = at::addGlobalCallback(
      at::RecordFunctionCallback(&Impl::begin, &Impl::end)
          .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}));
}
OpTimes::~OpTimes() {
  at::removeCallback(impl_->handle);
  Impl::current = nullptr;
}

std::map<std::string, OpTimes::Spent> OpTimes::take() {
  const std::lock_guard lock(impl_->mutex);
  return std::exchange(impl_->spent, {});
}

std::string kind_of_work(const std::string& op) {
  // The first that is part of the name: a norm's backward is no convolution, a pool's no
  // upsampling.
  static const std::vector<std::pair<const char*, const char*>> kKinds = {
      {"batch_norm", "norm"},
      {"hilum::norm", "norm"},  // with the ReLU after it
      {"hilum::join", "upsampling"},
      {"group_norm", "norm"},
      {"layer_norm", "norm"},
      {"conv", "convolution"},
      {"upsample", "upsampling"},
      {"pool", "pooling"},
      {"copy", "copy and cast"},
      {"aten::to", "copy and cast"},
      {"clone", "copy and cast"},
      {"contiguous", "copy and cast"},
      {"relu", "activation"},
      {"threshold_backward", "activation"},
      {"sigmoid", "activation"},
      {"silu", "activation"},
      {"aten::cat", "concatenation"},
      {"addmm", "matrix product"},
      {"aten::mm", "matrix product"},
      {"aten::bmm", "matrix product"},
      {"aten::linear", "matrix product"},
      {"matmul", "matrix product"}};
  for (const auto& [part, kind] : kKinds)
    if (op.find(part) != std::string::npos) return kind;
  return "element by element";
}

}  // namespace hilum::train
