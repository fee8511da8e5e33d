// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/report/html/chart.hpp"
#include "core/report/html/sections.hpp"

namespace hilum::report::html {
namespace {

/// The line of a metric over epochs, if the run logged it.
void add_line(Chart& into, const RunData& run, const std::string& metric, bool dashed,
              const std::string& suffix) {
  const auto at = std::ranges::find(run.curves, metric, &runs::Curve::name);
  if (at == run.curves.end()) return;
  into.lines.push_back(
      {run.label + suffix, run.colour, {at->epochs.begin(), at->epochs.end()}, at->values, dashed});
}

std::string losses(const Gathered& all) {
  Chart losses{"Loss", "epoch", "loss", {}};
  for (const auto& run : all.runs) {
    add_line(losses, run, "val.loss", false, ", validation");
    add_line(losses, run, "train.loss", true, ", training");
  }
  return chart(losses);
}

}  // namespace

std::string curves_section(const Gathered& all) {
  std::string charts = losses(all);
  for (const auto& output : all.outputs()) {
    const auto& shown = figures(output.kind);
    for (size_t i = 0; i < std::min<size_t>(2, shown.size()); ++i) {
      Chart validation{
          output.name + ": " + shown[i].title + ", validation", "epoch", shown[i].title, {}};
      for (const auto& run : all.runs)
        add_line(validation, run, "val." + output.name + "." + shown[i].name, false, "");
      charts += chart(validation);
    }
  }
  if (charts.empty()) return "";
  return "<section id=curves><h2>Curves</h2><div class=charts>\n" + charts + "</div></section>\n";
}

}  // namespace hilum::report::html
