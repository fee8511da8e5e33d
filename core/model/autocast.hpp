// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/autocast_mode.h>

namespace hilum::model {

/// bfloat16 autocast on or off in this thread for a scope, for both device types.
class Autocast {
 public:
  explicit Autocast(bool on)
      : cpu_(at::autocast::is_autocast_enabled(at::kCPU)),
        cuda_(at::autocast::is_autocast_enabled(at::kCUDA)) {
    set(on, on);
    if (!on) return;
    at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
    at::autocast::set_autocast_dtype(at::kCUDA, at::kBFloat16);
    at::autocast::increment_nesting();
    counted_ = true;
  }
  ~Autocast() {
    // The outermost scope drops the cast weights: they are of this step only.
    if (counted_ && at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    set(cpu_, cuda_);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  static void set(bool cpu, bool cuda) {
    at::autocast::set_autocast_enabled(at::kCPU, cpu);
    at::autocast::set_autocast_enabled(at::kCUDA, cuda);
  }
  bool cpu_, cuda_, counted_ = false;
};

}  // namespace hilum::model
