// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/report/html/calls.hpp"
#include "core/report/html/sections.hpp"
#include "core/report/html/write.hpp"

namespace hilum::report::html {
namespace {

constexpr size_t kWorst = 10;

/// A run's name in its colour; the colour is never the only sign.
std::string name_of(const RunData& run) {
  return fmt::format("<span class='key {}' aria-hidden=true></span>{}", run.colour,
                     escaped(run.label));
}

std::optional<double> final_of(const RunData& run, const std::string& name) {
  const auto at = run.metrics.find(name);
  if (at == run.metrics.end()) return {};
  return at->second;
}

std::string figures_table(const Gathered& all) {
  std::vector<std::string> headings = {"run", "id", "status", "seed", "fold", "cases"};
  const auto outputs = all.outputs();
  for (const auto& output : outputs)
    for (const auto& figure : figures(output.kind))
      headings.push_back(output.name + ": " + figure.title);
  SortTable table("Test split: means over nodules, each with the same weight", headings);
  for (const auto& run : all.runs) {
    std::vector<SortTable::Cell> row = {{name_of(run)},
                                        {"<code>" + escaped(run.details.short_id) + "</code>"}};
    row.push_back(SortTable::text(run.details.status));
    for (const int64_t n :
         {run.details.seed, run.details.fold, static_cast<int64_t>(run.cases.size())})
      row.push_back(SortTable::number(static_cast<double>(n), 0));
    for (const auto& output : outputs)
      for (const auto& figure : figures(output.kind))
        row.push_back(SortTable::number(final_of(run, "test." + output.name + "." + figure.name),
                                        figure.digits));
    table.row(row);
  }
  return table.html();
}

std::string differences_table(const Gathered& all) {
  std::set<std::string> keys;
  for (const auto& run : all.runs)
    for (const auto& [key, value] : run.params) keys.insert(key);
  std::vector<std::string> headings = {"parameter"};
  for (const auto& run : all.runs) headings.push_back(run.label);
  SortTable table("What the runs' configurations differ in", headings);
  for (const auto& key : keys) {
    std::set<std::string> values;
    std::vector<SortTable::Cell> row = {{"<code>" + escaped(key) + "</code>"}};
    for (const auto& run : all.runs) {
      const bool has = run.params.contains(key);
      const std::string value = run.param(key);
      values.insert(has ? "=" + value : "");
      row.push_back(has ? SortTable::text(value) : SortTable::Cell{"–"});
    }
    if (values.size() > 1) table.row(row);
  }
  return table.rows() > 0 ? table.html() : "<p>The runs' configurations are equal.</p>\n";
}

/// Of all runs: one run may have been tested on a fold that another has not.
std::map<std::string, std::string> nodules(const Gathered& all) {  // id -> patient
  std::map<std::string, std::string> found;
  for (const auto& run : all.runs)
    for (const auto& [id, row] : run.cases) found.emplace(id, row.patient);
  return found;
}

/// The truth's volume in mm3, by region id.
std::map<std::string, double> volumes(const PageData& data) {
  std::map<std::string, double> found;
  if (!data.set) return found;
  for (const auto& region : data.set->regions) {
    const auto& spacing = region.geometry.spacing;
    found[region.id] = static_cast<double>(std::ranges::count(region.mask, 1)) * spacing[0] *
                       spacing[1] * spacing[2];
  }
  return found;
}

SortTable::Cell value_cell(const RunOutput& output, std::optional<double> predicted,
                           std::optional<double> truth) {
  if (!predicted) return {"–"};
  const int digits = output.kind == Kind::regression ? 2 : 0;
  const auto rounded = [&](double v) { return called(output.kind, v); };
  const bool wrong =
      output.kind != Kind::regression && truth && rounded(*predicted) != rounded(*truth);
  std::optional<double> shown_truth;
  if (truth) shown_truth = rounded(*truth);
  return {shown(rounded(*predicted), digits) + "/" + shown(shown_truth, digits), *predicted,
          wrong ? "wrong" : ""};
}

}  // namespace

std::string runs_section(const Gathered& all) {
  std::string out = "<section id=runs><h2>Runs</h2>\n" + figures_table(all);
  if (all.runs.size() > 1) out += differences_table(all);
  return out + "</section>\n";
}

const RunOutput* mask_of(const RunData& run, const std::string& output) {
  const auto* found = run.find(output);
  return found && found->kind == Kind::mask ? found : run.first(Kind::mask);
}

std::string mask_output(const Gathered& all, const PageOptions& options) {
  const auto* first = all.our().first(Kind::mask);
  if (options.output.empty()) return first ? first->name : "";
  Strings known;
  for (const auto& output : all.our().outputs)
    if (output.kind == Kind::mask) known.push_back(output.name);
  if (std::ranges::find(known, options.output) == known.end())
    throw Error("--output: value '" + options.output + "': run " + all.our().details.id +
                    " has no such mask." + suggestion(options.output, known),
                Fault::request);
  return options.output;
}

std::string dice_section(const Gathered& all, const std::string& output, const PageData& data) {
  if (output.empty()) return "";
  std::vector<std::string> headings = {"nodule", "patient", "volume, mm³"};
  for (const auto& run : all.runs) headings.push_back("Dice, " + run.label);
  if (all.compares()) headings.push_back("change");
  headings.insert(headings.end(), {"HD, mm", "ASSD, mm"});
  const std::string change = all.compares()
                                 ? "; change: ours (" + all.our().label + ") less the baseline (" +
                                       all.baseline().label + ")"
                                 : "";
  SortTable table(
      "Dice of each nodule as a volume" + change + "; distances: ours. A heading sorts.", headings);
  const auto volume = volumes(data);
  for (const auto& [id, patient] : nodules(all)) {
    std::vector<SortTable::Cell> row = {SortTable::text(id), SortTable::text(patient)};
    const auto mm3 = volume.find(id);
    row.push_back(
        SortTable::number(mm3 == volume.end() ? std::nullopt : std::optional(mm3->second), 0));
    const auto of = [&, &nodule = id](const RunData& run, const char* figure) {
      const auto* mask = mask_of(run, output);
      return mask ? run.value(nodule, mask->name + "." + figure) : std::nullopt;
    };
    for (const auto& run : all.runs) row.push_back(SortTable::number(of(run, "dice"), 3));
    const auto our = of(all.our(), "dice"), base = of(all.baseline(), "dice");
    if (all.compares())
      row.push_back(our && base
                        ? SortTable::Cell{fmt::format("{:+.3f}", *our - *base), *our - *base}
                        : SortTable::Cell{"–"});
    row.push_back(SortTable::number(of(all.our(), "hd"), 2));
    row.push_back(SortTable::number(of(all.our(), "assd"), 2));
    table.row(row);
  }
  return "<section id=dice><h2>Nodules: " + escaped(output) + "</h2>\n" + table.html() +
         "</section>\n";
}

std::string worst_section(const Gathered& all, const std::string& output) {
  std::vector<std::pair<double, std::string>> scored;
  for (const auto& [id, row] : all.our().cases)
    if (const auto dice = all.our().value(id, output + ".dice")) scored.emplace_back(*dice, id);
  if (scored.empty()) return "";
  std::ranges::sort(scored);
  scored.resize(std::min(scored.size(), kWorst));
  std::string list;
  const auto* base = mask_of(all.baseline(), output);
  for (const auto& [dice, id] : scored) {
    list += fmt::format("<li><b>{}</b> patient {}: Dice {:.3f}", escaped(id),
                        escaped(all.our().cases.at(id).patient), dice);
    if (all.compares() && base)
      list += ", baseline " + shown(all.baseline().value(id, base->name + ".dice"), 3);
    list += fmt::format(", HD {} mm</li>\n", shown(all.our().value(id, output + ".hd"), 2));
  }
  return "<section id=worst><h2>Worst cases of " + escaped(all.our().label) + "</h2><ol>\n" + list +
         "</ol></section>\n";
}

std::string values_section(const Gathered& all) {
  std::vector<RunOutput> outputs;
  for (const auto& output : all.our().outputs)
    if (output.kind != Kind::mask) outputs.push_back(output);
  if (outputs.empty()) return "";
  std::vector<std::string> headings = {"nodule", "patient"};
  for (const auto& output : outputs) headings.push_back(output.name);
  SortTable table("Predicted/true by " + all.our().label +
                      "; classes and levels are rounded, wrong ones underlined; – is unknown. "
                      "Sorted by the prediction before rounding.",
                  headings);
  for (const auto& [id, row] : all.our().cases) {
    std::vector<SortTable::Cell> cells = {SortTable::text(id), SortTable::text(row.patient)};
    for (const auto& output : outputs)
      cells.push_back(value_cell(output, all.our().value(id, output.name + ".predicted"),
                                 all.our().value(id, output.name + ".truth")));
    table.row(cells);
  }
  return "<section id=values><h2>Nodules: attributes</h2>\n" + table.html() + "</section>\n";
}

}  // namespace hilum::report::html
