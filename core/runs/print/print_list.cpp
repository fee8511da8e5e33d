// SPDX-License-Identifier: Apache-2.0
// `hilum runs list`: the usual columns.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/runs/print/print.hpp"
#include "core/runs/print/print_json.hpp"
#include "core/runs/print/print_parts.hpp"
#include "core/util/fit.hpp"
#include "core/util/text.hpp"
#include "hilum/names.hpp"

namespace hilum::runs {
namespace {

Json metrics_json(const Summary& run) {
  Json metrics = Json::object();
  for (const auto& [name, value] : run.metrics) metrics[name] = value;
  return metrics;
}

Rows list_rows(const std::vector<Summary>& runs) {
  Rows rows{{"id", "name", "status", "started", "fold", "seed", "epoch", "result", "tags"}};
  const bool tags =
      std::any_of(runs.begin(), runs.end(), [](const auto& r) { return !r.tags.empty(); });
  for (const auto& run : runs) {
    std::string epoch = std::to_string(run.epoch);
    if (run.epochs > 0) epoch += "/" + std::to_string(run.epochs);
    rows.push_back({run.short_id, run.name, run.status, local_time(run.started),
                    std::to_string(run.fold), std::to_string(run.seed), epoch,
                    main_metric(run.metrics), join(run.tags, " ")});
  }
  if (!tags)
    for (auto& row : rows) row.pop_back();
  return rows;
}

}  // namespace

Json summary_json(const Summary& run) {
  return {{"id", run.id},
          {"name", run.name},
          {"status", run.status},
          {"started", run.started},
          {"ended", optional_text(run.ended)},
          {"experiment", run.experiment},
          {"seed", run.seed},
          {"fold", run.fold},
          {"epoch", run.epoch},
          {"host", run.host},
          {"device", run.device},
          {"precision", run.precision},
          {"parent", optional_text(run.parent)},
          {"tags", run.tags},
          {"metrics", metrics_json(run)}};
}

std::string list_table(const std::vector<Summary>& runs, size_t width) {
  return util::table(util::fit(list_rows(runs), width, {"id", "status", "result"}));
}

std::string list_md(const std::vector<Summary>& runs) { return markdown(list_rows(runs)); }

std::string list_json(const std::vector<Summary>& runs) {
  Json list = Json::array();
  for (const auto& run : runs) list.push_back(summary_json(run));
  return dump(list);
}

std::string list_csv(const std::vector<Summary>& runs) {
  Rows rows{{"id", "name", "status", "started", "ended", "experiment", "seed", "fold", "epoch",
             "host", "device", "precision", "tags"}};
  Strings columns;
  for (const auto& run : runs)
    for (const auto& [name, value] : run.metrics)
      if (std::find(columns.begin(), columns.end(), name) == columns.end()) columns.push_back(name);
  rows[0].insert(rows[0].end(), columns.begin(), columns.end());
  for (const auto& run : runs) {
    rows.push_back({run.id, run.name, run.status, run.started, run.ended, run.experiment,
                    std::to_string(run.seed), std::to_string(run.fold), std::to_string(run.epoch),
                    run.host, run.device, run.precision, join(run.tags, " ")});
    const std::map<std::string, double> values(run.metrics.begin(), run.metrics.end());
    for (const auto& name : columns) {
      const auto value = values.find(name);
      rows.back().push_back(value == values.end() ? "" : exact(value->second));
    }
  }
  return csv(rows);
}

}  // namespace hilum::runs
