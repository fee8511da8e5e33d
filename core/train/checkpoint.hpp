// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <torch/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace hilum::train {

/// What a run needs to go on bit for bit. The file is a zip that Python's torch.load reads as a
/// dict.
struct Checkpoint {
  std::map<std::string, torch::Tensor> model, optimizer;
  /// The model with averaged parameters, where train.ema asks for one; else empty.
  std::map<std::string, torch::Tensor> average;
  std::map<std::string, torch::Tensor> rng;  // generator states by device
  std::map<std::string, double> numbers;     // sums of the epoch under way, best value, ...
  int64_t epoch = 0;                         // the epoch to go on with
  int64_t batch = 0;                         // batches of that epoch already done
  int64_t step = 0;                          // steps done in all
  std::string run;                           // id, for error messages

  /// The file.
  std::vector<char> bytes() const;
  /// Written beside and renamed.
  void save(const std::filesystem::path& file) const;
  /// Throws Error (Fault::work) for a missing or broken file.
  static Checkpoint load(const std::filesystem::path& file);
  /// What to evaluate, predict with and start from: the average where there is one.
  std::map<std::string, torch::Tensor> weights() const { return average.empty() ? model : average; }
};

/// This process's generator states, of the CPU and, where there is one, of the GPU.
std::map<std::string, torch::Tensor> rng_states(torch::Device device);
void set_rng_states(const std::map<std::string, torch::Tensor>& states, torch::Device device);

}  // namespace hilum::train
