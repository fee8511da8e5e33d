// SPDX-License-Identifier: Apache-2.0
#include "library.hpp"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>
#include <torch/torch.h>

#include <filesystem>
#include <hilum/error.hpp>
#include <limits>
#include <string>

namespace hilum_kernels {

void* exported(const char* name) {
  Dl_info here;
  if (dladdr(reinterpret_cast<void*>(&exported), &here) == 0) return nullptr;
  const std::filesystem::path own(here.dli_fname);
  const auto file = own.parent_path() / ("cuda_" + own.filename().string());
  // Never closed: its code may be in a graph.
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  return library ? dlsym(library, name) : nullptr;
}

void* stream_of(const torch::Tensor& u) {
  // Through the table of devices: LibTorch's CUDA library is not linked.
  return c10::impl::VirtualGuardImpl(u.device().type()).getStream(u.device()).native_handle();
}

void require(const char* plugin, const char* failure) {
  if (failure)
    throw hilum::Error("regularizer '" + std::string(plugin) + "': its kernel for a GPU: " +
                       failure + ". Set HILUM_FUSED=0 in the environment to do without it.");
}

torch::Tensor scratch(const char* plugin, const torch::Tensor& u, int64_t bytes) {
  if (bytes < 0) require(plugin, "the device does not say what it has");
  return torch::empty({bytes}, torch::TensorOptions(u.device()).dtype(torch::kByte));
}

bool fits(const torch::Tensor& u) {
  return u.is_cuda() && u.numel() <= std::numeric_limits<int32_t>::max();
}

}  // namespace hilum_kernels
