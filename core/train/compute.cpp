// SPDX-License-Identifier: Apache-2.0
#include "core/train/compute.hpp"

#include <dlfcn.h>
#include <torch/torch.h>

#include <fstream>

#include "hilum/simd.hpp"

namespace hilum::train {
namespace {

torch::Device find_device(const std::string& wanted) {
  if (wanted == "cpu") return torch::kCPU;
  const bool there = cuda_available();
  if (wanted == "auto") return there ? torch::Device(torch::kCUDA, 0) : torch::Device(torch::kCPU);
  if (!there)
    throw Error("train.device: value '" + wanted +
                    "', but LibTorch sees no GPU here. Use train.device=cpu, and " +
                    "see 'hilum doctor'",
                Fault::request);
  const torch::Device device(wanted == "cuda" ? "cuda:0" : wanted);
  const auto count = static_cast<int64_t>(torch::cuda::device_count());
  if (device.index() >= count)
    throw Error(
        "train.device: value '" + wanted + "', allowed cuda:0 to cuda:" + std::to_string(count - 1),
        Fault::request);
  return device;
}

bool choose(const std::string& option, const char* on, bool automatic) {
  return option == "auto" ? automatic : option == on;
}

// An image of one channel is in both layouts at once, and LibTorch takes it for one that is not
// channels last, as then is what a convolution makes of it; its strides can say otherwise.
Tensor channels_last(const Tensor& t) {
  const auto format =
      t.dim() == 4 ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::ChannelsLast3d;
  const Tensor same = t.contiguous(format);
  const auto like = torch::empty(t.sizes(), t.options().device(torch::kMeta), format);
  return same.as_strided(same.sizes(), like.strides());
}

}  // namespace

std::string bfloat16_unit() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("flags")) continue;
    if (line.find(" amx_bf16") != std::string::npos) return "AMX";
    return line.find(" avx512_bf16") != std::string::npos ? "AVX512-bf16" : "";
  }
  return "";
}

bool cuda_available() {
  // Not linked: the program starts where there is no CUDA. Loading it registers its kernels; it
  // stays loaded.
  static const bool loaded = dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr;
  return loaded && torch::cuda::is_available();
}

std::string Compute::precision() const {
  return std::string(bfloat16 ? "bfloat16" : "float32") + (channels_last ? ", channels last" : "") +
         (fused_kernels() ? "" : ", HILUM_FUSED=0");
}

Compute make_compute(const config::TrainOptions& options) {
  Compute compute;
  compute.device = find_device(options.device);
  const bool fast = compute.device.is_cuda() || !bfloat16_unit().empty();
  compute.late = !compute.device.is_cpu();
  compute.bfloat16 = choose(options.precision, "bfloat16", fast);
  compute.channels_last = choose(options.channels_last, "on", compute.bfloat16);
  // LibTorch 2.11's gradient of a 1x1 convolution of stride 2 with few channels then writes past
  // its memory.
  if (compute.channels_last && !compute.bfloat16 && compute.device.is_cpu())
    throw Error(
        "train.channels_last: value 'on' with float32 on a CPU, where LibTorch 2.11 can corrupt "
        "memory. Set it to auto or off, or train.precision to bfloat16",
        Fault::request);
  if (options.threads > 0) at::set_num_threads(static_cast<int>(options.threads));
  compute.threads = at::get_num_threads();
  return compute;
}

void place(model::Model& model, const Compute& compute) {
  const torch::NoGradGuard no_grad;
  model.to(compute.device);
  if (!compute.channels_last) return;
  for (auto& p : model.parameters())
    if (p.dim() == 4 || p.dim() == 5) p.set_data(channels_last(p));
}

Named place(const Named& values, const Compute& compute) {
  Named placed;
  for (const auto& [name, tensor] : values) {
    // From pinned memory a copy goes on beside the GPU's work.
    const bool far = compute.device.is_cuda() && tensor.is_cpu();
    Tensor t = (far ? tensor.pin_memory() : tensor).to(compute.device, /*non_blocking=*/true);
    if (compute.channels_last && (t.dim() == 4 || t.dim() == 5)) t = channels_last(t);
    placed[name] = t;
  }
  return placed;
}

}  // namespace hilum::train
