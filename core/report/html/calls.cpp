// SPDX-License-Identifier: Apache-2.0
#include "core/report/html/calls.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/report/html/write.hpp"

namespace hilum::report::html {

Calls calls_of(const RunData& run, const std::string& output) {
  Calls calls;
  for (const auto& [id, row] : run.cases) {
    const auto predicted = run.value(id, output + ".predicted");
    const auto truth = run.value(id, output + ".truth");
    if (!predicted || !truth) continue;
    calls.predicted.push_back(*predicted), calls.truth.push_back(*truth);
  }
  return calls;
}

double called(Kind kind, double value) {
  if (kind == Kind::binary) return value > 0.5 ? 1 : 0;
  return kind == Kind::ordinal ? std::nearbyint(value) : value;
}

std::string confusion(const RunData& run, const RunOutput& output, const std::string& note) {
  auto [predicted, truth] = calls_of(run, output.name);
  if (truth.empty()) return "";
  std::set<double> levels;
  if (output.kind == Kind::binary) levels = {0, 1};
  for (auto* values : {&predicted, &truth})
    for (double& value : *values) levels.insert(value = called(output.kind, value));
  std::string head, body;
  for (const double level : levels) {
    head += fmt::format("<th scope=col>called {:.0f}</th>", level);
    body += fmt::format("<tr><th scope=row>true {:.0f}</th>", level);
    for (const double other : levels) {
      int64_t n = 0;
      for (size_t i = 0; i < truth.size(); ++i) n += truth[i] == level && predicted[i] == other;
      body += fmt::format("<td{}>{}</td>", level == other ? " class=right" : "", n);
    }
    body += "</tr>";
  }
  return fmt::format(
      "<table class=confusion><caption>{}: {} nodules{}</caption><thead><tr><td></td>{}</tr>"
      "</thead><tbody>{}</tbody></table>\n",
      escaped(run.label), truth.size(), escaped(note), head, body);
}

std::string flips(const Gathered& all, const RunOutput& output) {
  if (!all.compares() || !all.our().find(output.name) || !all.baseline().find(output.name))
    return "";
  const bool binary = output.kind == Kind::binary;
  SortTable table(output.name + ": nodules that " + all.baseline().label + " and " +
                      all.our().label + " call differently" + (binary ? " at 0.5" : ""),
                  {"nodule", "patient", "true", all.baseline().label, all.our().label, "change"});
  int64_t better = 0, worse = 0, neither = 0;
  for (const auto& [id, row] : all.our().cases) {
    const auto truth = all.our().value(id, output.name + ".truth");
    const auto now = all.our().value(id, output.name + ".predicted");
    const auto before = all.baseline().value(id, output.name + ".predicted");
    if (!truth || !now || !before) continue;
    const double is = called(output.kind, *truth), ours = called(output.kind, *now),
                 theirs = called(output.kind, *before);
    if (ours == theirs) continue;
    const char* change = "wrong → wrong";
    if (ours == is)
      ++better, change = "wrong → right";
    else if (theirs == is)
      ++worse, change = "right → wrong";
    else
      ++neither;
    table.row({SortTable::text(id), SortTable::text(row.patient), SortTable::number(is, 0),
               SortTable::number(*before, 3), SortTable::number(*now, 3), SortTable::text(change)});
  }
  const std::string rest =
      neither > 0 ? fmt::format(", {} wrong → wrong otherwise", neither) : std::string();
  return fmt::format("<p>From {} to {}: {} wrong → right, {} right → wrong{}.</p>\n",
                     escaped(all.baseline().label), escaped(all.our().label), better, worse, rest) +
         (table.rows() > 0 ? table.html() : "");
}

}  // namespace hilum::report::html
