// SPDX-License-Identifier: Apache-2.0
// What the run store has for the cells of one row. No LibTorch.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/report/table/cells.hpp"
#include "core/report/table/figure.hpp"

namespace hilum::report {

struct Evidence {
  std::vector<Figure> seeds;  // one a seed, its folds pooled; empty: no cases, see `means`
  std::vector<double> means;  // then of each seed the mean over folds of the runs' own figure
  Strings runs;               // ids
  int64_t folds = 0;
  std::string missing;  // why there is neither
  Strings notes;        // "run 01J...: ..."
};

/// One row's runs, read once for all columns.
class Gatherer {
 public:
  Gatherer(const runs::Reader& reader, const std::vector<Column>& columns);
  Evidence gather(const Column& column, const std::vector<RowRun>& runs);
  /// Forgets the runs read so far: case figures of a whole table would fill the memory.
  void next_row() { read_.clear(); }

 private:
  using Cases = std::map<std::string, std::vector<runs::CaseMetric>>;  // by name
  struct Read {
    std::map<std::string, double> figures;  // "mask.dice", and "parameters"
    std::map<std::string, std::string> params;
    Cases cases;
  };
  /// What one run gives to a figure.
  struct Fold {
    Rule rule;
    std::optional<std::vector<FigureCase>> cases;  // none: it logged none
    std::optional<double> own = {};                // the figure as the run logged it
    std::string missing = {}, note = {};
  };
  const Read& read(const RowRun& run);
  Fold fold(const Column& column, const RowRun& run);

  const runs::Reader& reader_;
  std::set<std::string> names_;  // of case figures that some column needs
  std::map<std::string, Read> read_;
};

}  // namespace hilum::report
