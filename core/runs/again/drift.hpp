// SPDX-License-Identifier: Apache-2.0
// What is not as it was when a run was made.
#pragma once
#include <map>
#include <optional>

#include "core/runs/again/plugins_now.hpp"

namespace hilum::runs {

/// A parameter that differs; none: it was not there.
struct ChangedParam {
  std::string key;
  std::optional<std::string> was, now;
};
/// Of those that can change a result. `before`: values as the store keeps them, by key.
std::vector<ChangedParam> changed_params(std::map<std::string, std::string> before,
                                         const std::vector<NewRun::Param>& now);

/// One thing that a run was made with and that is another now.
struct Drift {
  std::string what, was, now;  // "plugin fusion/gated", "library 1a2b3c4d5e6f (1.0)", ...
  std::string advice;          // what to do: a whole sentence
  bool decides = false;        // a plugin or the data: what is trained now is other work
};
/// "plugin fusion/gated: was ..., is .... Advice."
std::string to_text(const Drift& drift);

/// Those of the run's plugins that changed or cannot be used, among `wanted` ("fusion/gated").
std::vector<Drift> plugin_drift(const Details& run, const std::vector<PluginNow>& now,
                                const std::vector<std::string>& wanted);
/// Data, code, LibTorch and machine of the run and of one that would be made now. Other data count
/// as asked for, and not as drift, where options of [data] that choose them were changed.
std::vector<Drift> other_drift(const Details& run, const NewRun& now,
                               const std::string& fingerprint);
/// The run's parameters and those of one that would be made now.
std::vector<ChangedParam> changed_params(const Details& run, const NewRun& now);

}  // namespace hilum::runs
