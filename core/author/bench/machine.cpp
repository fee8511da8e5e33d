// SPDX-License-Identifier: Apache-2.0
#include "core/author/bench/machine.hpp"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <filesystem>
#include <fstream>

#include "core/train/compute.hpp"
#include "core/util/machine.hpp"

namespace hilum::bench {
namespace {
namespace fs = std::filesystem;

// The value of the first line "KEY : VALUE" of one of the system's files; "" where there is none.
std::string value_in(const fs::path& file, const std::string& key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const auto colon = line.find(':');
    if (!line.starts_with(key) || colon == std::string::npos) continue;
    const auto first = line.find_first_not_of(" \t", colon + 1);
    return first == std::string::npos ? "" : line.substr(first);
  }
  return "";
}

// From the driver, since LibTorch's own question needs CUDA at link time.
std::string gpu_model() {
  std::error_code none;
  for (const auto& gpu : fs::directory_iterator("/proc/driver/nvidia/gpus", none))
    if (auto model = value_in(gpu.path() / "information", "Model"); !model.empty()) return model;
  return "a GPU";
}

std::string cpu_model() {
  const auto model = value_in("/proc/cpuinfo", "model name");
  return model.empty() ? "a CPU" : model;
}

}  // namespace

Machine this_machine(const std::string& device, int64_t threads) {
  if (device == "cuda" && !train::cuda_available())
    throw Error(
        "--device: value 'cuda', but LibTorch sees no GPU here. Use --device cpu, and see 'hilum "
        "doctor'.",
        Fault::request);
  if (threads > 0) at::set_num_threads(static_cast<int>(threads));
  return {.host = util::host_name(),
          .device = device + ": " + (device == "cuda" ? gpu_model() : cpu_model()),
          .torch = TORCH_VERSION,
          .git = util::git_commit(),
          .threads = at::get_num_threads()};
}

}  // namespace hilum::bench
