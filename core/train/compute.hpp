// SPDX-License-Identifier: Apache-2.0
// Where and how a model computes: device, precision, memory layout, threads.
#pragma once
#include <torch/types.h>

#include <string>

#include "core/config/options.hpp"
#include "core/data/samples.hpp"
#include "core/model/model.hpp"

namespace hilum::train {

struct Compute {
  torch::Device device{torch::kCPU};
  bool bfloat16 = false, channels_last = false;
  int64_t threads = 1;
  bool late = false;  // a loss is read when the next batch has been given out: nothing waits for it
  std::string precision() const;  // "bfloat16, channels last"
};

/// Resolves the `auto`s. bfloat16 and channels-last: on where the processor multiplies bfloat16
/// (AMX or AVX512-bf16), or on a GPU. Sets this process's threads. Throws Error (request) for a GPU
/// that is not there.
Compute make_compute(const config::TrainOptions& options);

/// What this processor multiplies bfloat16 with: "AMX", "AVX512-bf16" or "".
std::string bfloat16_unit();
/// Loads libtorch_cuda.so where it is installed; true if torch sees a GPU.
bool cuda_available();

/// Parameters to the device and the layout. Before the optimizer is made.
void place(model::Model& model, const Compute& compute);
/// A batch's tensors to the device, images in the layout. [N,C,H,W] or [N,C,D,H,W].
Named place(const Named& values, const Compute& compute);

}  // namespace hilum::train
