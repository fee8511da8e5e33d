// SPDX-License-Identifier: Apache-2.0
// init = "experiment:FILE": weights of an experiment that is trained where it is not done yet.
#pragma once
#include "core/train/trainer.hpp"

namespace hilum::train {

/// Thrown where a training on demand was interrupted; repeating the command goes on with it.
struct Interrupted {
  RunResult result;
};

/// True where an init is "experiment:FILE". Throws Error (request): no such file, experiments that
/// start from each other.
bool starts_on_demand(const config::Document& document);
/// Replaces each "experiment:FILE", of [train] and of parts, by "run:ID": the done run of the same
/// config, plugins and data, or one that is trained (gone on with) first, and for its own inits
/// alike. Throws what starts_on_demand() and training throw, and Interrupted.
config::Document resolve_init(config::Document document, runs::Store& store, Progress& progress);

}  // namespace hilum::train
