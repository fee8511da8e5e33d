// SPDX-License-Identifier: Apache-2.0
// What became of the plugins that a run used, by the files of their libraries: no process is
// started and no code of a plugin runs.
#pragma once
#include "core/runs/queries.hpp"

namespace hilum::runs {

/// The library that a plugin's name stands for now.
struct PluginNow {
  enum class State { same, changed, missing, several } state = State::missing;
  std::filesystem::path library;  // "" where there is none
  std::string sha256;             // of it
  std::string why;                // of missing and several: a sentence; else ""
};
/// "the same", "CHANGED", "missing", "in two places".
std::string to_text(PluginNow::State state);

/// In the order of run.plugins. Looked for where the run looked: its own [plugins] registries as
/// far as they are still there, HILUM_PLUGIN_PATH, beside the program.
std::vector<PluginNow> plugins_now(const Details& run);

}  // namespace hilum::runs
