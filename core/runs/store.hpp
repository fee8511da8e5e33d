// SPDX-License-Identifier: Apache-2.0
// The run store: one SQLite file and one folder a run. No LibTorch.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hilum/error.hpp"

namespace hilum::runs {

struct PluginUse {
  std::string kind, name, version, sha256;  // sha256: of the library
  std::string build = {};  // what it was built for: "sdk 2, torch 2.11.0 (no CUDA), g++ ABI 1017"
};
/// What is known of a run before it starts.
struct NewRun {
  std::string name, experiment;  // experiment: the file as the user named it
  int64_t seed = 0, fold = 0;
  std::string parent;  // run whose weights it starts from, or ""
  std::string git, host, device, precision, torch, config_hash, note;
  bool dirty = false;
  struct Param {
    std::string key, value, type;
  };
  std::vector<Param> params;
  std::vector<PluginUse> plugins;
  std::vector<std::string> tags;  // "lesion-split", ...
  std::string config;             // text of config.toml
};
struct Metric {
  int64_t step = 0, epoch = 0;
  std::string split, name;  // "test", "mask.dice"; (split, name, step) is the key
  double value = 0;
};
struct CaseMetric {
  std::string patient, nodule;
  std::optional<int64_t> slice;  // none: the whole nodule
  std::string name;
  double value = 0;
};
struct Run {
  std::string id, name, status, started, ended, error;
  std::filesystem::path folder;
  std::map<std::string, double> metrics;  // final ones: "test.mask.dice"
};

/// `HILUM_RUNS`, or `runs/` in the working directory.
std::filesystem::path default_folder();

class Store {
 public:
  /// Opens, or creates and migrates, `folder/hilum.db` (WAL, foreign keys).
  explicit Store(const std::filesystem::path& folder = default_folder());
  /// Opens one that is there. Throws Error (request) where there is none, and makes none: a wrong
  /// name of a run leaves no empty store behind.
  static Store existing(const std::filesystem::path& folder = default_folder());
  ~Store();
  Store(Store&&) noexcept;

  /// Records the run as `running` and makes its folder with config.toml. Returns its id (26
  /// characters, sorted by time).
  std::string begin(const NewRun& run);
  /// As `running` again, with this process's pid; drops metrics of steps after `step` (they will be
  /// made again).
  void resume(const std::string& id, int64_t step);
  void heartbeat(const std::string& id);
  /// Facts found after the start, as parameters: insert or replace.
  void add_params(const std::string& id, const std::vector<NewRun::Param>& params);
  /// Inserts or replaces, on another thread: returns at once (benchmarks/README.md). Other calls of
  /// this Store find the rows in place; other processes do within moments. What goes wrong is
  /// thrown by the next call. The rows of one call are written together or not at all.
  void log(const std::string& id, std::span<const Metric> metrics);
  /// Returns once all that was logged is in the store: before a checkpoint claims so.
  void flush();
  /// Replaces the split's case figures.
  void log_cases(const std::string& id, const std::string& split,
                 std::span<const CaseMetric> cases);
  /// What an evaluation found, all of it or none: metrics of the split, and its case figures in
  /// place of those there. A done run is sealed anew (queries.hpp, Seal); throws Error (work) where
  /// its figures were changed since it ended.
  void log_evaluation(const std::string& id, const std::string& split,
                      std::span<const Metric> metrics, std::span<const CaseMetric> cases);
  /// Replaces all plugin rows' hashes on resume, if they changed; returns the names that did.
  std::vector<std::string> plugins_changed(const std::string& id,
                                           std::span<const PluginUse> now) const;
  void add_artifact(const std::string& id, const std::string& kind,
                    const std::filesystem::path& path);
  void add_tag(const std::string& id, const std::string& tag);
  /// done, failed or interrupted. A done run is sealed: its figures' digest is recorded.
  void finish(const std::string& id, const std::string& status, const std::string& error = "");
  /// Id, unique prefix, name (its newest) or @last. Throws Error (request) with near names, or all
  /// matches of an ambiguous prefix.
  Run find(const std::string& run) const;
  std::string config(const std::string& id) const;
  /// True if the process that runs it is alive on this host.
  bool alive(const std::string& id) const;

  struct Impl;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace hilum::runs
