// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <torch/nn/module.h>

#include "core/model/key_map.hpp"
#include "core/model/weights.hpp"

namespace hilum::model {

/// As load_state, for weights from anywhere: a tensor is found by its full name, by its name within
/// the part that `prefix` names ("cls."), or by its published name. A convolution for 3 input
/// channels is adapted to the module's number: for one, the sum over them; for n, channel i gets
/// i % 3 of theirs times 3 / n. Where the file has names of the part in full, left_over has those
/// only.
LoadReport load_published(torch::nn::Module& module, const Prefixes& aliases,
                          const std::map<std::string, torch::Tensor>& weights,
                          const std::string& prefix = "");

/// The module's tensors under published names, without those that the map drops. Throws Error
/// (request) where a tensor has no published name or two have the same.
std::map<std::string, torch::Tensor> publish(const std::map<std::string, torch::Tensor>& own,
                                             const Prefixes& prefixes, const KeyMap& map);

}  // namespace hilum::model
