// SPDX-License-Identifier: Apache-2.0
// Has this work been done? A run is the same work where config, plugins and data are the same, and
// where it is asked for, the program.
#pragma once
#include <string>
#include <vector>

#include "core/runs/queries.hpp"

namespace hilum::runs {

struct Work {
  std::string config_hash;         // config::Experiment::hash()
  std::vector<PluginUse> plugins;  // as they are now
  std::string fingerprint;         // of the data, as they are now
  std::string program = {};  // resolved.program, as it is now; "": another build's runs count too
  std::string tag;  // names the place that asks, such as "table:NAME/ROW": the newest run with it
                    // (and the same seed and fold) is what a difference is told against; may be ""
};
struct Match {
  /// running: a process is at this work now, here or on another machine; starting it twice is a
  /// waste. resumable: interrupted or crashed, with the same work.
  enum class Kind { none, running, resumable, done } kind = Kind::none;
  std::string run;  // id of the run, "" for none
  /// Of none: "not run yet"; "plugin fusion/gated was rebuilt since run 01J..."; "the data changed
  /// since run 01J..."; "data.roi was [64, 64], now [96, 96]"; "run 01J... failed: ..."; "run
  /// 01J... was edited by hand". Of running: "run 01J... is under way in process 123 on host 'a'".
  std::string why;
};
/// The newest run that is this work: a done one before one under way, that before a resumable one.
/// A done run whose figures were edited (Seal::broken) is not the same work. `params`: the present
/// config's, to tell what changed. Where there is no store, nothing was run yet.
Match find_work(const Reader& reader, const Work& work, const std::vector<NewRun::Param>& params);

}  // namespace hilum::runs
