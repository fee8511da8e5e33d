// SPDX-License-Identifier: Apache-2.0
// A run of the store with its steps.csv.
#pragma once
#include <string>

#include "core/runs/steps/review_steps.hpp"

namespace hilum::runs {

/// The run's steps.csv. Throws Error (request) with the reason where there is none: an evaluation,
/// train.digests = "off", an older Hilum, nothing trained yet.
Steps recorded_steps(const Details& run);
/// The record, and that it agrees with the store's losses.
StepsReview review_steps(const Reader& reader, const Details& run, const Steps& steps);
/// A parameter's value as the store keeps it; "" where it has none.
std::string param(const Details& run, const std::string& key);
/// "run 01J... (name, status)".
std::string title(const Details& run);

}  // namespace hilum::runs
