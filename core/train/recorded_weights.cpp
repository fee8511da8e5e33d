// SPDX-License-Identifier: Apache-2.0
#include "core/train/recorded_weights.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "core/train/checkpoint.hpp"
#include "core/train/tensor_digest.hpp"
#include "hilum/error.hpp"

namespace hilum::train {
namespace {

RecordedWeights check(const std::string& name, const Checkpoint& checkpoint,
                      const runs::Steps& steps) {
  using State = RecordedWeights::State;
  const int64_t step = checkpoint.step;
  const auto made = [&](const auto& line) { return line.step == step; };
  const auto taken = [&](const auto& line) { return made(line) && !line.weights.empty(); };
  if (std::none_of(steps.lines.begin(), steps.lines.end(), made))
    return {State::wrong,
            fmt::format("{} is of step {}, which {} does not have.", name, step, runs::kStepsFile)};
  const auto line = std::find_if(steps.lines.rbegin(), steps.lines.rend(), taken);  // made last
  if (line == steps.lines.rend())
    return {State::unrecorded,
            fmt::format("{} is of step {}, after which no digest of the weights was taken.", name,
                        step)};
  const TensorDigest digest(checkpoint.model);
  if (line->weights == digest.whole())
    return {State::recorded,
            fmt::format("{} holds the weights that training left after step {}.", name, step)};
  if (line->weights == digest.turn(step))
    return {State::recorded,
            fmt::format("{} holds the weights that training left after step {}, in the part that "
                        "was recorded then ({}).",
                        name, step, line->weights.substr(0, line->weights.find(':')))};
  return {
      State::wrong,
      fmt::format("{} does NOT hold the weights that training left after step {}.", name, step)};
}

}  // namespace

RecordedWeights check_weights(const std::filesystem::path& file, const runs::Steps& steps) {
  try {
    return check(file.filename().string(), Checkpoint::load(file), steps);
  } catch (const Error& error) {
    return {RecordedWeights::State::wrong, error.what()};
  }
}

}  // namespace hilum::train
