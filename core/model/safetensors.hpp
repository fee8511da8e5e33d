// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <map>
#include <string>

#include <torch/types.h>

namespace hilum::model {

/// A safetensors file: 8 bytes of header length, a JSON header, raw little-endian data. Names
/// sorted, so that the same tensors give the same bytes. Written beside and renamed.
void write_safetensors(const std::filesystem::path& file,
                       const std::map<std::string, torch::Tensor>& tensors);
/// Throws Error (Fault::data) for a file that is cut short or lies about its sizes.
std::map<std::string, torch::Tensor> read_safetensors(const std::filesystem::path& file);

}  // namespace hilum::model
