// SPDX-License-Identifier: Apache-2.0
#include "core/report/html/gather.hpp"

#include <algorithm>

namespace hilum::report::html {
namespace {

constexpr size_t kColours = 8;  // beside ours and the baseline: c2 .. c7, then again from c2

/// The core knows no head by name: which figures a run has says what the head predicts.
Kind kind_of(const std::string& output, const std::map<std::string, double>& metrics) {
  if (metrics.contains("test." + output + ".positives")) return Kind::binary;
  if (metrics.contains("test." + output + ".within_one")) return Kind::ordinal;
  return Kind::regression;
}

std::optional<std::string> prefix_of(const std::string& name, const std::string& ending) {
  if (!name.ends_with(ending)) return {};
  return name.substr(0, name.size() - ending.size());
}

void add_case(RunData& run, const runs::CaseMetric& figure) {
  auto& row = run.cases[figure.nodule];
  row.patient = figure.patient;
  const auto mask = prefix_of(figure.name, ".dice");
  if (figure.slice) {
    if (mask) row.slice_dice[{*mask, *figure.slice}] = figure.value;
    return;
  }
  row.values[figure.name] = figure.value;
  const auto value = prefix_of(figure.name, ".predicted");
  if (mask && !run.find(*mask)) run.outputs.push_back({*mask, Kind::mask});
  if (value && !run.find(*value)) run.outputs.push_back({*value, kind_of(*value, run.metrics)});
}

RunData read(const Entry& entry, const runs::Reader& reader) {
  RunData run;
  run.details = reader.show(reader.find(entry.run));
  run.label = entry.label.empty() ? run.details.name : entry.label;
  for (const auto& [name, value] : run.details.metrics) run.metrics[name] = value;
  for (const auto& p : run.details.params) run.params[p.key] = p.value;
  run.curves = reader.curves(run.details.id, {});
  for (const auto& figure : reader.cases(run.details.id, "test")) add_case(run, figure);
  return run;
}

size_t index_of(const Gathered& all, const std::string& id, const char* option) {
  for (size_t i = 0; i < all.runs.size(); ++i)
    if (all.runs[i].details.id == id) return i;
  throw Error(std::string(option) + ": run " + id + " is not one of the runs on the page. Name it.",
              Fault::request);
}

/// Runs of one name are told apart by their seed and fold, or by their ids.
void tell_apart(std::vector<RunData>& runs) {
  std::map<std::string, int> count;
  for (const auto& run : runs) ++count[run.label];
  for (auto& run : runs)
    if (count[run.label] > 1)
      run.label +=
          " s" + std::to_string(run.details.seed) + " f" + std::to_string(run.details.fold);
  count.clear();
  for (const auto& run : runs) ++count[run.label];
  for (auto& run : runs)
    if (count[run.label] > 1) run.label += " " + run.details.short_id;
}

}  // namespace

const std::vector<Figure>& figures(Kind kind) {
  static const std::vector<Figure> mask = {
      {"dice", "Dice", 3},           {"iou", "IoU", 3},
      {"precision", "precision", 3}, {"sensitivity", "sensitivity", 3},
      {"hd", "HD, mm", 2},           {"assd", "ASSD, mm", 2}};
  static const std::vector<Figure> binary = {{"auc", "AUC", 3},
                                             {"accuracy", "accuracy", 3},
                                             {"balanced_accuracy", "balanced accuracy", 3}};
  static const std::vector<Figure> ordinal = {
      {"accuracy", "accuracy", 3}, {"within_one", "within one", 3}, {"mae", "MAE, levels", 3}};
  static const std::vector<Figure> regression = {
      {"mae", "MAE", 3}, {"rmse", "RMSE", 3}, {"pearson", "Pearson's r", 3}};
  return kind == Kind::mask      ? mask
         : kind == Kind::binary  ? binary
         : kind == Kind::ordinal ? ordinal
                                 : regression;
}

const RunOutput* RunData::find(const std::string& output) const {
  const auto at = std::ranges::find(outputs, output, &RunOutput::name);
  return at == outputs.end() ? nullptr : &*at;
}

const RunOutput* RunData::first(Kind kind) const {
  const auto at = std::ranges::find(outputs, kind, &RunOutput::kind);
  return at == outputs.end() ? nullptr : &*at;
}

std::optional<double> RunData::value(const std::string& id, const std::string& name) const {
  const auto row = cases.find(id);
  if (row == cases.end()) return {};
  const auto at = row->second.values.find(name);
  if (at == row->second.values.end()) return {};
  return at->second;
}

std::string RunData::param(const std::string& key) const {
  const auto at = params.find(key);
  return at == params.end() ? "" : at->second;
}

std::vector<RunOutput> Gathered::outputs() const {
  std::vector<RunOutput> all;
  for (const auto& run : runs)
    for (const auto& output : run.outputs)
      if (std::ranges::find(all, output.name, &RunOutput::name) == all.end()) all.push_back(output);
  return all;
}

Gathered gather(const std::vector<Entry>& entries, const runs::Reader& reader,
                const PageOptions& options) {
  if (entries.empty()) throw Error("A page needs at least one run.", Fault::request);
  Gathered all;
  for (const auto& entry : entries) {
    auto run = read(entry, reader);
    const auto same = [&](const RunData& r) { return r.details.id == run.details.id; };
    if (std::ranges::any_of(all.runs, same))
      throw Error("Run " + run.details.id + " is named twice. Name it once.", Fault::request);
    all.runs.push_back(std::move(run));
  }
  tell_apart(all.runs);
  all.ours = all.runs.size() - 1;
  if (!options.ours.empty()) all.ours = index_of(all, reader.find(options.ours), "--ours");
  if (!options.baseline.empty())
    all.base = index_of(all, reader.find(options.baseline), "--baseline");
  size_t next = 2;
  for (size_t i = 0; i < all.runs.size(); ++i)
    all.runs[i].colour = i == all.ours   ? "ours"
                         : i == all.base ? "base"
                                         : "c" + std::to_string(2 + (next++ - 2) % (kColours - 2));
  return all;
}

}  // namespace hilum::report::html
