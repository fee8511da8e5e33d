// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>

#include "core/runs/steps/steps.hpp"

namespace hilum::train {

/// What a checkpoint holds, by the digest that steps.csv has for its step.
struct RecordedWeights {
  enum class State { recorded, unrecorded, wrong } state;
  std::string text;  // a sentence
};
/// file: last.pt or best.pt. wrong: others than recorded, of a step that was not made, or no
/// checkpoint. unrecorded: no digest was taken after its step.
RecordedWeights check_weights(const std::filesystem::path& file, const runs::Steps& steps);

}  // namespace hilum::train
