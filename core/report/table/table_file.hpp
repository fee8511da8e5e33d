// SPDX-License-Identifier: Apache-2.0
// A table's file: rows are experiments, columns are figures, profiles are budgets. No LibTorch.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hilum/names.hpp"
#include "hilum/schema.hpp"

namespace hilum::report {

/// One figure of each row.
struct Column {
  std::string id, where;  // where: "table.toml:12:1", for errors
  std::string block;      // columns of one block are printed together; "" is one too
  std::string label;      // "" is the id
  std::string metric;     // "mask.dice", "nodule.auc": HEAD.METRIC as docs/metrics.md names it
  std::string average = "nodule";  // or patient, slice; nonempty_nodule, nonempty_patient, ...
  std::string set = "folds";  // "folds": the row's folds, pooled; "test": the cases marked test
  int64_t digits = 3;
  double scale = 1;    // 100 where the paper prints percent
  bool lower = false;  // a distance or an error: the smallest is the best
  /// The run's metric: "mask.slice_dice" for mask.dice averaged over slices.
  std::string name() const;
  static Schema<Column> schema();
};
struct Row {
  std::string id, where;
  std::string label, note;
  std::filesystem::path experiment;  // empty: not run, `note` says why
  Strings overrides;
  std::map<std::string, double> paper;   // column id -> the published figure
  std::vector<int64_t> folds;            // empty: the profile's
  int64_t seeds = 0;                     // 0: the profile's
  bool ensemble = false, flips = false;  // of the set "test": the mean of the folds' models; flips
  std::string ruler;  // a target of 0 and 1 that the log volume predicts; `experiment` has the data
  std::string cases;  // figures of a system that is not Hilum: a CSV, see docs/tables.md
  static Schema<Row> schema();

  std::string file;  // `experiment` as it is written
};
/// A budget. Its overrides of a part that a row does not have are left out of that row.
struct Profile {
  std::string name, where;
  std::string note;
  Strings overrides;
  Strings init_overrides;            // further ones, for what rows start from (train.init)
  std::vector<int64_t> folds = {0};  // -1: train on all folds, test on the cases marked test
  int64_t seeds = 1;
  static Schema<Profile> schema();
};
struct TableFile {
  std::filesystem::path file;
  std::string name, title, source, baseline;  // baseline: the row that others are compared with
  Strings differs;                            // what differs from the paper, whatever the profile
  std::vector<Column> columns;
  std::vector<Row> rows;
  std::vector<Profile> profiles;
  static Schema<TableFile> schema();
  /// Throws Error (request) with the nearest name; an empty name is the first profile.
  const Profile& profile(const std::string& name) const;
};
/// Throws Error (request) with every problem of the file: where (file:line:column), what, what is
/// allowed.
TableFile read_table(const std::filesystem::path& file);

}  // namespace hilum::report
