// SPDX-License-Identifier: Apache-2.0
// What the store knows of the runs on a page, in the order in which the page asks for it.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/report/html/page.hpp"

namespace hilum::report::html {

enum class Kind { mask, binary, ordinal, regression };
/// What a head predicts, by the prefix of its figures: "mask", "nodule.malignancy".
struct RunOutput {
  std::string name;
  Kind kind;
};
/// A figure that tables and curves show: {"dice", "Dice", 3}.
struct Figure {
  const char* name;
  const char* title;
  int digits;
};
const std::vector<Figure>& figures(Kind kind);

/// One nodule of the test split.
struct CaseRow {
  std::string patient;
  std::map<std::string, double> values;                          // "mask.dice": the whole nodule
  std::map<std::pair<std::string, int64_t>, double> slice_dice;  // output and slice
};
struct RunData {
  std::string label, colour;  // a CSS class: "ours", "base", "c2", ...
  runs::Details details;
  std::vector<runs::Curve> curves;
  std::vector<RunOutput> outputs;
  std::map<std::string, CaseRow> cases;   // by region id
  std::map<std::string, double> metrics;  // final ones, "test.mask.dice"
  std::map<std::string, std::string> params;

  const RunOutput* find(const std::string& output) const;
  const RunOutput* first(Kind kind) const;
  std::optional<double> value(const std::string& id, const std::string& name) const;
  std::string param(const std::string& key) const;  // "" where the run has none
};
struct Gathered {
  std::vector<RunData> runs;
  size_t ours = 0, base = 0;  // indices

  const RunData& our() const { return runs[ours]; }
  const RunData& baseline() const { return runs[base]; }
  bool compares() const { return ours != base; }
  std::vector<RunOutput> outputs() const;  // of all runs, each name once
};

Gathered gather(const std::vector<Entry>& entries, const runs::Reader& reader,
                const PageOptions& options);

}  // namespace hilum::report::html
