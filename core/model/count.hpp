// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>

namespace hilum::model {

/// Multiply-accumulates of convolutions and matrix products, and bytes of the tensors that
/// operations allocate.
struct Counts {
  int64_t macs = 0, bytes = 0;
};
/// Runs `work` in this thread and counts what torch's operators do in it. Independent of what a
/// part says of itself.
Counts count(const std::function<void()>& work);

}  // namespace hilum::model
