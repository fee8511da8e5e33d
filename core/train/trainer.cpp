// SPDX-License-Identifier: Apache-2.0
#include "core/train/trainer.hpp"

#include <fmt/core.h>

#include "core/runs/queries.hpp"
#include "core/train/checkpoint.hpp"
#include "core/train/record.hpp"
#include "core/train/training.hpp"
#include "core/util/files.hpp"

namespace hilum::train {
namespace {

// The reason reaches the person even where the store cannot take it, as on a full disk. Such a run
// is shown as crashed, for its process is gone.
void record_failure(runs::Store& store, const runs::Run& run, const std::string& reason,
                    Progress& progress) {
  try {
    store.finish(run.id, "failed", reason);
  } catch (const Error& error) {
    progress.line(
        "warning: the failure could not be recorded, so the run will be shown as crashed: " +
        std::string(error.what()));
  }
}

RunResult go(Setup& setup, runs::Store& store, const runs::Run& run, Progress& progress) {
  const auto record = [&](const char* reason) { record_failure(store, run, reason, progress); };
  try {
    return Training(setup, store, run, progress).go();
  } catch (const c10::Error& error) {
    record(error.what_without_backtrace());
    throw Error(error.what_without_backtrace());
  } catch (const util::DiskFull& error) {
    record(error.what());
    throw util::DiskFull(fmt::format("{} Then go on with: hilum resume {}", error.what(), run.id));
  } catch (const std::exception& error) {
    record(error.what());
    throw;
  }
}

}  // namespace

RunResult run(Setup setup, runs::Store& store, Progress& progress) {
  data::require_source(setup.experiment.data);
  for (const auto& note : initialise(setup)) progress.line(note);
  const auto begun = store.find(store.begin(describe(setup)));
  progress.line(fmt::format("run {} ({}) in {}", begun.id, setup.experiment.experiment.name,
                            begun.folder.string()));
  try {
    return go(setup, store, begun, progress);
  } catch (const Error& error) {
    // A wrong request that only the data shows (a fold that nobody is in) is not kept either.
    if (error.fault == Fault::request && !std::filesystem::exists(begun.folder / "last.pt"))
      runs::remove(begun.folder.parent_path(), {begun.id});
    throw;
  }
}

RunResult resume(const std::string& name, runs::Store& store, Progress& progress) {
  const auto found = store.find(name);
  if (found.status == "done") {
    progress.line("run " + found.id + " is finished; nothing to resume");
    return {found.id, "done", found.folder, found.metrics};
  }
  if (store.alive(found.id))
    throw Error(
        "run " + found.id + " is still running; stop it first (Ctrl-C, or kill its process)",
        Fault::request);
  Setup setup = prepare(config::Document::load(found.folder / "config.toml", {}));
  const auto changed = store.plugins_changed(found.id, plugin_uses(*setup.plugins));
  if (!changed.empty())
    progress.line("warning: rebuilt since the run began: " + join(changed, ", ") +
                  "; it may not be the same bit for bit");
  const auto last = found.folder / "last.pt";
  if (!std::filesystem::exists(last)) initialise(setup);
  store.resume(found.id, std::filesystem::exists(last) ? Checkpoint::load(last).step : 0);
  progress.line(fmt::format("run {} ({}) in {}", found.id, found.name, found.folder.string()));
  return go(setup, store, found, progress);
}

}  // namespace hilum::train
