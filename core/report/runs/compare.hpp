// SPDX-License-Identifier: Apache-2.0
// Two or more runs: how they differ in what they were made of, and in their figures. No LibTorch.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/report/table/print.hpp"
#include "core/runs/queries.hpp"

namespace hilum::report {

/// Something that is not the same in all runs; a value a run, "" where it has none.
struct Differing {
  std::string key;
  Strings values;
};
/// A metric of a later run against the first one's, as an answer.
struct Verdict {
  enum class Kind { better, worse, noise, unknown } kind = Kind::unknown;
  std::string metric, run;  // run: its label
  std::string text;         // a sentence
};
struct RunComparison {
  std::vector<runs::Details> runs;
  Strings labels;                        // "unet 01M8A (seed 1)"
  std::vector<Differing> options;        // of the experiment
  std::vector<Differing> plugins;        // version and hash
  std::vector<Differing> circumstances;  // data, code, LibTorch, machine, precision
  TableFile table;                       // rows: the runs; columns: the metrics
  std::vector<std::vector<RowRun>> rows;
  Figures figures;
  std::vector<Verdict> verdicts;
};

struct CompareOptions {
  Strings metrics = {};  // "mask.dice" or "dice": those that end so; none: the usual ones
};
/// Throws Error (request) for a run or a metric that there is not, and for fewer than two runs.
RunComparison compare_runs(const runs::Reader& reader, const Strings& named,
                           const CompareOptions& options = {});
/// Options, plugins and circumstances alone; the figures stay empty.
RunComparison differences(const runs::Reader& reader, const Strings& named);

std::string print(const RunComparison& comparison, Format format);

}  // namespace hilum::report
