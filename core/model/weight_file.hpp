// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <torch/types.h>

#include <filesystem>
#include <map>
#include <string>

namespace hilum::model {

/// The tensors of a file by name, whatever its extension says: safetensors, or what PyTorch writes
/// (torch.save of a state dict in the zip format or the one before 2020, a Hilum checkpoint). A
/// state dict may stand under "state_dict", "model_state_dict" or "model". Tensors that share
/// memory in the file share it here. Runs no code of the file. Throws Error (data): damaged, of a
/// big-endian machine, or made of more than tensors in dicts.
std::map<std::string, torch::Tensor> read_weight_file(const std::filesystem::path& file);

}  // namespace hilum::model
