// SPDX-License-Identifier: Apache-2.0
#include "core/report/table/gather.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <tuple>

#include "core/metrics/mask.hpp"
#include "core/metrics/statistics.hpp"

namespace hilum::report {
namespace {

using Key = std::tuple<std::string, std::string, std::optional<int64_t>>;
using Rows = std::vector<runs::CaseMetric>;
using Cases = std::map<std::string, Rows>;

constexpr const char* kSplit = "test";

Key key(const runs::CaseMetric& c) { return {c.patient, c.nodule, c.slice}; }

struct Names {
  std::string output, metric;  // "mask.", "dice"
  explicit Names(const Column& column)
      : output(column.metric.substr(0, column.metric.rfind('.') + 1)),
        metric(column.metric.substr(output.size())) {}
};

const Rows& rows(const Cases& cases, const std::string& name) {
  static const Rows none;
  const auto found = cases.find(name);
  return found == cases.end() ? none : found->second;
}

std::map<Key, double> by_case(const Rows& all) {
  std::map<Key, double> values;
  for (const auto& c : all) values[key(c)] = c.value;
  return values;
}

// A head's kind, from the figures that only that kind has; where the run logged none of them, from
// the figure that is asked for.
Kind kind_of(const std::map<std::string, double>& figures, const Names& names) {
  const auto has = [&](const char* metric) { return figures.count(names.output + metric) > 0; };
  if (has("positives")) return Kind::binary;
  if (has("within_one")) return Kind::ordinal;
  if (has("rmse")) return Kind::regression;
  if (names.metric == "within_one") return Kind::ordinal;
  for (const char* metric : {"mae", "rmse", "pearson"})
    if (names.metric == metric) return Kind::regression;
  return Kind::binary;
}

// The option by which heads are told where positive begins.
double threshold_of(const std::map<std::string, std::string>& params, const Names& names) {
  const std::string head = names.output.substr(0, names.output.find('.'));
  const auto found = params.find("head." + head + ".threshold");
  return found == params.end() ? 0.5 : std::strtod(found->second.c_str(), nullptr);
}

using Logged = std::optional<std::vector<FigureCase>>;  // none: the run logged no such cases

Logged mask_cases(const Cases& cases, const Column& column) {
  const Names names(column);
  const bool slices = column.average.ends_with("slice");
  const bool nonempty = column.average.starts_with("nonempty_");
  const auto empty = by_case(nonempty ? rows(cases, names.output + "empty") : Rows{});
  std::vector<FigureCase> found;
  bool any = false;
  for (const auto& c : rows(cases, column.metric)) {
    if (c.slice.has_value() != slices) continue;
    any = true;
    if (nonempty) {
      const auto state = empty.find(key(c));
      if (state == empty.end()) return {};  // an older run: it did not log which masks were empty
      if (state->second != static_cast<double>(metrics::Empty::none)) continue;
    }
    found.push_back({c.patient, c.nodule, c.slice, c.value, 0});
  }
  return any ? Logged(std::move(found)) : std::nullopt;
}

// A case without a row of its truth is one whose target is unknown.
Logged head_cases(const Cases& cases, const Column& column) {
  const Names names(column);
  if (column.average != "nodule" || rows(cases, names.output + "predicted").empty()) return {};
  const auto truths = by_case(rows(cases, names.output + "truth"));
  std::vector<FigureCase> found;
  for (const auto& c : rows(cases, names.output + "predicted"))
    if (const auto truth = truths.find(key(c)); truth != truths.end())
      found.push_back({c.patient, c.nodule, c.slice, c.value, truth->second});
  return found;
}

// One run a seed and fold: of two, the newer.
std::map<int64_t, std::vector<RowRun>> by_seed(const Column& column,
                                               const std::vector<RowRun>& runs,
                                               Evidence& evidence) {
  std::map<std::pair<int64_t, int64_t>, RowRun> newest;
  for (const auto& run : runs) {
    if (run.set != column.set) continue;
    auto& kept = newest[{run.seed, run.fold}];
    if (!kept.id.empty())
      evidence.notes.push_back(
          fmt::format("seed {}, fold {}: two runs, {} and {}; the newer counts", run.seed, run.fold,
                      kept.id, run.id));
    if (run.id > kept.id) kept = run;
  }
  std::map<int64_t, std::vector<RowRun>> seeds;
  std::set<int64_t> folds;
  for (const auto& [place, run] : newest) {
    seeds[run.seed].push_back(run), folds.insert(run.fold);
    evidence.runs.push_back(run.id);
  }
  evidence.folds = static_cast<int64_t>(folds.size());
  return seeds;
}

// A case in the tests of two folds counts once.
size_t drop_repeated(std::vector<FigureCase>& cases) {
  std::set<Key> seen;
  return std::erase_if(cases, [&](const auto& c) {
    return !seen.insert({c.patient, c.nodule, c.slice}).second;
  });
}

bool agree(double a, double b) { return std::abs(a - b) <= 1e-9 * std::max(1.0, std::abs(b)); }

}  // namespace

Gatherer::Gatherer(const runs::Reader& reader, const std::vector<Column>& columns)
    : reader_(reader) {
  for (const auto& column : columns) {
    const Names names(column);
    names_.insert(column.metric);
    for (const char* name : {"empty", "predicted", "truth"}) names_.insert(names.output + name);
  }
}

const Gatherer::Read& Gatherer::read(const RowRun& of) {
  const auto [place, is_new] = read_.try_emplace(of.id);
  Read& read = place->second;
  if (!is_new) return read;
  for (const auto& c : of.cases)
    if (names_.count(c.name)) read.cases[c.name].push_back(c);
  if (!of.cases.empty()) return read;
  const auto run = reader_.show(of.id);
  const std::string start = std::string(kSplit) + ".";
  for (const auto& [name, value] : run.metrics)
    if (name.starts_with(start)) read.figures[name.substr(start.size())] = value;
  for (const auto& p : run.params) read.params[p.key] = p.value;
  if (const auto found = read.params.find("resolved.parameters"); found != read.params.end())
    read.figures["parameters"] = std::strtod(found->second.c_str(), nullptr);
  for (auto& c : reader_.cases(of.id, kSplit))
    if (names_.count(c.name)) read.cases[c.name].push_back(std::move(c));
  return read;
}

Gatherer::Fold Gatherer::fold(const Column& column, const RowRun& of) {
  const Names names(column);
  const std::string name = column.name(), &id = of.id;
  const Read& run = read(of);
  const bool mask = run.cases.count(column.metric) > 0;
  Fold fold{.rule = {.kind = mask ? Kind::mask : kind_of(run.figures, names),
                     .metric = names.metric,
                     .by_patient = mask && column.average.ends_with("patient"),
                     .threshold = threshold_of(run.params, names)},
            .cases = mask ? mask_cases(run.cases, column) : head_cases(run.cases, column)};
  if (const auto found = run.figures.find(name); found != run.figures.end())
    fold.own = found->second;
  if (!fold.own && !fold.cases) {
    Strings known;
    for (const auto& [other, value] : run.figures) known.push_back(other);
    const std::string near = nearest(name, known);
    fold.missing =  // of a ruler or another system alike for all columns: one note a row
        of.cases.empty() ? fmt::format("not defined: run {} has no '{}'.{}", id, name,
                                       near.empty() ? "" : " Did you mean '" + near + "'?")
                         : "not defined: its cases have no such figure";
  }
  if (fold.own && fold.cases)
    if (const double again = Figure(fold.rule, *fold.cases).value(); !agree(again, *fold.own))
      fold.note = fmt::format("run {}: its '{}' is {}, its cases give {}, which is what is shown",
                              id, name, *fold.own, again);
  return fold;
}

Evidence Gatherer::gather(const Column& column, const std::vector<RowRun>& runs) {
  Evidence evidence;
  bool all_cases = true;
  for (const auto& [seed, of_seed] : by_seed(column, runs, evidence)) {
    std::vector<FigureCase> pooled;
    std::vector<double> own;
    Rule rule;
    for (const auto& run : of_seed) {
      const Fold fold = this->fold(column, run);
      rule = fold.rule;
      if (fold.own) own.push_back(*fold.own);
      if (!fold.note.empty()) evidence.notes.push_back(fold.note);
      if (evidence.missing.empty()) evidence.missing = fold.missing;
      all_cases = all_cases && fold.cases;
      if (fold.cases) pooled.insert(pooled.end(), fold.cases->begin(), fold.cases->end());
    }
    if (const size_t twice = drop_repeated(pooled); twice > 0)
      evidence.notes.push_back(
          fmt::format("seed {}: {} cases stand in several folds and count once", seed, twice));
    evidence.seeds.emplace_back(rule, std::move(pooled));
    evidence.means.push_back(own.size() == of_seed.size() ? metrics::mean(own) : std::nan(""));
  }
  if (!all_cases) evidence.seeds.clear();
  return evidence;
}

}  // namespace hilum::report
