// SPDX-License-Identifier: Apache-2.0
// Trained runs as one model: loading them, what they have to share, their mean.
#pragma once
#include <string>
#include <vector>

#include "core/train/session.hpp"

namespace hilum::train {

/// A trained model of the store.
struct Member {
  std::string run, checkpoint;  // id; best.pt or last.pt
  Setup setup;
  int64_t step = 0, epoch = 0;  // of the checkpoint
};
/// RUN as everywhere; `checkpoint` best or last; `overrides` of its configuration. On its device,
/// in eval mode. Throws Error (request) for a run without one.
Member load_member(const std::string& run, const std::string& checkpoint,
                   const Strings& overrides = {});

/// What the samples of an ensemble's runs have to agree in.
enum class Alike { regions, samples };  // the region's grid; also its intensities, inputs and truth
/// Throws Error (request): a run that stands there twice, regions (samples) that differ, heads that
/// differ.
void require_alike(const std::vector<Member>& members, Alike alike);

/// Each head's probabilities, on the CPU: masks float32, one number a sample float64. With `flips`
/// their mean over the mirror images in H and W, in 3D in D too; masks are turned back.
model::Outputs answer(const Setup& setup, const Named& inputs, bool flips);
/// The mean of the members' answers.
model::Outputs answer(const std::vector<Member>& members, const Named& inputs, bool flips);

}  // namespace hilum::train
