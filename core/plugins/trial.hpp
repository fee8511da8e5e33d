// SPDX-License-Identifier: Apache-2.0
// How a plugin behaves: a battery of checks that runs its code (core/author/battery), in a child
// process, so that a plugin that crashes, exits or hangs is a finding and takes nothing else down.
// No LibTorch.
#pragma once
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/plugins/catalog.hpp"

namespace hilum::plugins {

/// What one check of the battery came to.
struct Finding {
  enum class State { ok, wrong, skipped, untried };
  std::string check, meaning;  // "shapes", "computes at tiny, even and odd sizes"
  State state = State::untried;
  std::string tried, found;  // what was tried and what came out; of a skipped one: why
  std::string look;          // what to look at, a whole sentence
  double seconds = 0;
};
std::string to_text(Finding::State state);

struct TrialOptions {
  std::filesystem::path engine;
  std::chrono::milliseconds patience{10000};  // after so long without progress a check hangs
  Strings only;                               // names of checks; none: all
};

/// Runs `engine try-plugin LIBRARY KIND/NAME CHECK...`, as often as it takes: after a check that
/// ends the process a new child goes on with the next one; after a hang, or the third such end,
/// the rest is left untried. `told` gets each finding as it is made. Throws Error: Fault::request
/// for a check that there is not (with the nearest name), Fault::work where no child can be
/// started.
std::vector<Finding> try_plugin(const Entry& entry, const TrialOptions& options,
                                const std::function<void(const Finding&)>& told = {});

}  // namespace hilum::plugins
