// SPDX-License-Identifier: Apache-2.0
#include "core/model/count.hpp"

#include <ATen/record_function.h>

#include <string_view>
#include <unordered_map>

namespace hilum::model {
namespace {

// Per thread, since the callbacks are plain functions.
thread_local Counts* tally = nullptr;
// What was allocated stays alive while counting, so that no address is seen twice for two tensors.
thread_local std::unordered_map<const void*, c10::Storage>* seen = nullptr;
// Operations call operations; only what the outermost is given was there before.
thread_local int depth = 0;

// What the end of an operation needs of its inputs, which are gone by then.
struct Started : at::ObserverContext {
  int64_t per_voxel = 0;  // multiply-accumulates a position of all channels together
  int64_t per_value = 0;  // or a value of the output
  int64_t fixed = 0;      // or in all
};

void was_there(const at::Tensor& t) {
  if (t.defined() && t.has_storage()) seen->emplace(t.storage().data(), t.storage());
}

// Parameters and features: an operation that returns a view of one allocates nothing.
void were_there(c10::ArrayRef<const c10::IValue> inputs) {
  for (const auto& value : inputs) {
    if (value.isTensor()) was_there(value.toTensor());
    if (value.isTensorList())
      for (const at::Tensor& t : value.toTensorList()) was_there(t);
  }
}

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& fn) {
  auto started = std::make_unique<Started>();
  const std::string_view name = fn.name();
  const auto in = fn.inputs();
  if (depth++ == 0) were_there(in);
  if (name == "aten::convolution") {
    const auto x = in[0].toTensor(), weight = in[1].toTensor();
    // Each weight is used once a position: of the output, or of the input where it is transposed.
    if (in[6].toBool())
      started->fixed = x.numel() / x.size(1) * weight.numel();
    else
      started->per_voxel = weight.numel();
  } else if (name == "aten::addmm") {
    started->per_value = in[1].toTensor().size(-1);
  } else if (name == "aten::mm" || name == "aten::bmm") {
    started->per_value = in[0].toTensor().size(-1);
  }
  return started;
}

void end(const at::RecordFunction& fn, at::ObserverContext* context) {
  const auto& started = *static_cast<Started*>(context);
  --depth;
  for (const auto& value : fn.outputs()) {
    if (!value.isTensor() || !value.toTensor().defined()) continue;
    const auto& out = value.toTensor();
    if (started.per_voxel) tally->macs += out.numel() / out.size(1) * started.per_voxel;
    tally->macs += out.numel() * started.per_value + started.fixed;
    if (out.has_storage() && seen->emplace(out.storage().data(), out.storage()).second)
      tally->bytes += static_cast<int64_t>(out.nbytes());
  }
}

}  // namespace

Counts count(const std::function<void()>& work) {
  Counts counts;
  std::unordered_map<const void*, c10::Storage> storages;
  tally = &counts, seen = &storages, depth = 0;
  const auto handle = at::addThreadLocalCallback(at::RecordFunctionCallback(begin, end)
                                                     .needsInputs(true)
                                                     .needsOutputs(true)
                                                     .scopes({at::RecordScope::FUNCTION}));
  const at::RecordFunctionGuard enabled(true);
  try {
    work();
  } catch (...) {
    at::removeCallback(handle);
    throw;
  }
  at::removeCallback(handle);
  return counts;
}

}  // namespace hilum::model
