// SPDX-License-Identifier: Apache-2.0
// From runs to the figures of a table. No LibTorch.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/report/table/table_file.hpp"
#include "core/runs/queries.hpp"

namespace hilum::report {

/// What people call it: its id where it has no label.
const std::string& label(const Row& row);
const std::string& label(const Column& column);
/// With its block, which tells columns of the same label apart: "Test set: Dice".
std::string full_label(const Column& column);

/// A finished run behind a row. `set` is that of Column: "folds" for folds 0, 1, ..., "test" for
/// fold -1 and for an ensemble of the folds' runs.
struct RowRun {
  std::string id, set;
  int64_t seed = 0, fold = 0;
  /// Of what is no run (a ruler, another system): its figures, and `id` says what it is.
  std::vector<runs::CaseMetric> cases{};
};
struct Cell {
  std::optional<double> value;      // none: `empty` says why
  std::string empty;                // "not run: ...", "not defined"
  std::optional<double> low, high;  // 95 % interval: bootstrap over patients
  std::optional<double> spread;     // standard deviation over seeds; then no low and high
  int64_t cases = 0, patients = 0, seeds = 0, folds = 0;
  Strings runs;  // ids
  // Against the baseline's row, paired over the patients that both have:
  std::optional<double> difference, difference_low, difference_high,
      p;  // p: Holm over the column's rows
  // Better than each other row that ran: a paired test (Holm, 5 %), and the difference's interval
  // leaves out 0.
  bool best = false;
};
struct Figures {
  std::vector<std::vector<Cell>> cells;  // row, column
  Strings notes;                         // for people: what a figure rests on
};
/// `runs`: of each row. Values are recomputed from the runs' case figures, with several folds
/// pooled (each patient once), seeds apart; where a run has no cases of a figure, the run's own
/// means.
Figures fill(const TableFile& table, const std::vector<std::vector<RowRun>>& runs,
             const runs::Reader& reader);

}  // namespace hilum::report
