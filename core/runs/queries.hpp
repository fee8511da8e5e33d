// SPDX-License-Identifier: Apache-2.0
// Questions to the store. They open it for reading only; where there is none, there are no runs.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/runs/store.hpp"

namespace hilum::runs {

struct ListOptions {
  std::string where = {};   // an expression (where.hpp), or ""
  std::string status = {};  // one of the five, or ""
  std::string name = {};    // a glob, or ""
  int64_t limit = 0;        // 0: all
  std::string sort = {};    // "-dice,name": names as in `where`, '-' for the largest first; "": the
                            // newest first, as among equal ones; runs without the value come last
};
/// A run as lists show it.
struct Summary {
  std::string id, short_id, name, experiment, status, started, ended, host, device, precision,
      parent;
  int64_t seed = 0, fold = 0;
  int64_t epoch = 0, epochs = 0;  // the last one logged; `train.epochs`, or 0
  std::vector<std::string> tags;
  std::vector<std::pair<std::string, double>>
      metrics;  // final ones, in the order they were first logged
};
/// What a done run's digest says of its figures. none: the run is not done, or was done before
/// stores had digests. broken: they were changed since, and not by Hilum.
enum class Seal { none, fits, broken };
/// All that is known of a run.
struct Details : Summary {
  std::string git, torch, config_hash, note, error, heartbeat;
  bool dirty = false;
  int64_t pid = 0;
  Seal seal = Seal::none;
  std::filesystem::path folder;
  std::vector<NewRun::Param> params;
  std::vector<PluginUse> plugins;
  std::vector<std::pair<std::string, std::string>> artifacts;  // kind, path
};
/// The values of one metric, by step.
struct Curve {
  std::string name;  // "val.mask.dice"
  std::vector<int64_t> steps, epochs;
  std::vector<double> values;
};
/// What a query gave. Numbers stay numbers; none is NULL.
struct Cell {
  std::optional<std::string> text;
  bool number = false;
};
struct Answer {
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;
};
/// Runs with the columns that were asked for.
struct Listing {
  struct Row {
    std::string id, short_id;
    std::vector<Cell> cells;
  };
  std::vector<std::string> columns;
  std::vector<bool> metric;  // of each column; people are shown four digits of it
  std::vector<Row> rows;
};

class Reader {
 public:
  explicit Reader(const std::filesystem::path& folder = default_folder());
  ~Reader();
  /// True where there is no store, or no run in it.
  bool empty() const;
  const std::filesystem::path& folder() const;
  /// Newest first, or as sorted. Throws Error (request) for a wrong expression, name or status.
  std::vector<Summary> list(const ListOptions& options) const;
  /// "id,dice,train.lr,tags": names as in `where`, and tags, epoch, result.
  Listing list(const ListOptions& options, const std::string& columns) const;
  std::vector<std::string> ids(const ListOptions& options) const;
  int64_t count() const;
  /// The id of RUN, as Store::find.
  std::string find(const std::string& run) const;
  Details show(const std::string& run) const;
  /// The named metrics ("val.mask.dice", "mask.dice" or "dice": every one that ends so), or all
  /// that have more than one value. Throws Error (request) with near names.
  std::vector<Curve> curves(const std::string& run, const std::vector<std::string>& metrics) const;
  /// The figures of each case of a split ("test"), in the order they were logged.
  std::vector<CaseMetric> cases(const std::string& run, const std::string& split) const;
  /// Whether the run's figures are those that it left. Reads all of them (20 ms for 20,000).
  Seal sealed(const std::string& run) const;
  /// One statement that only reads. Throws Error (request) with SQLite's words, and the tables
  /// where a name is unknown.
  Answer sql(const std::string& text) const;

  struct Impl;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// Removes the runs with these ids and their folders. Throws Error (request) for one that runs, and
/// then removes none. Interrupted anywhere, it leaves each run whole or gone.
void remove(const std::filesystem::path& folder, const std::vector<std::string>& ids);

}  // namespace hilum::runs
