// SPDX-License-Identifier: Apache-2.0
#include "core/runs/print/print.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/runs/print/print_json.hpp"
#include "core/runs/print/print_parts.hpp"
#include "core/runs/ulid.hpp"
#include "core/util/fit.hpp"
#include "core/util/text.hpp"
#include "hilum/names.hpp"

namespace hilum::runs {
namespace {

Json plugin_json(const PluginUse& use, const PluginNow* now) {
  Json json{{"kind", use.kind},
            {"name", use.name},
            {"version", use.version},
            {"sha256", use.sha256},
            {"build", use.build}};
  if (!now) return json;
  json["now"] = now->state == PluginNow::State::changed ? "changed" : to_text(now->state);
  json["now_sha256"] = optional_text(now->sha256);
  json["now_library"] = optional_text(now->library.string());
  return json;
}

}  // namespace

std::string show_json(const Details& run, const std::vector<PluginNow>& now) {
  Json json = summary_json(run);
  for (const auto& [key, text] : {std::pair("torch", run.torch),
                                  {"git", run.git},
                                  {"note", run.note},
                                  {"config_hash", run.config_hash},
                                  {"heartbeat", run.heartbeat},
                                  {"folder", run.folder.string()}})
    json[key] = text;
  json["dirty"] = run.dirty;
  json["pid"] = run.pid;
  json["error"] = optional_text(run.error);
  json["figures"] = optional_text(run.seal == Seal::fits     ? "as left"
                                  : run.seal == Seal::broken ? "changed"
                                                             : "");
  json["plugins"] = Json::array();
  for (size_t i = 0; i < run.plugins.size(); ++i)
    json["plugins"].push_back(plugin_json(run.plugins[i], i < now.size() ? &now[i] : nullptr));
  json["params"] = Json::object();
  for (const auto& p : run.params) json["params"][p.key] = p.value;
  json["artifacts"] = Json::array();
  for (const auto& [kind, path] : run.artifacts)
    json["artifacts"].push_back({{"kind", kind}, {"path", path}});
  return dump(json);
}

namespace {

// One row a step that any of the curves has.
Rows curve_rows(const std::vector<Curve>& curves, std::string (*number)(double)) {
  Rows rows{{"step", "epoch"}};
  std::map<int64_t, std::vector<std::string>> by_step;
  for (size_t c = 0; c < curves.size(); ++c) {
    rows[0].push_back(curves[c].name);
    for (size_t i = 0; i < curves[c].steps.size(); ++i) {
      auto& row = by_step[curves[c].steps[i]];
      row.resize(curves.size() + 1);
      row[0] = std::to_string(curves[c].epochs[i]);
      row[c + 1] = number(curves[c].values[i]);
    }
  }
  for (auto& [step, row] : by_step) {
    rows.push_back({std::to_string(step)});
    rows.back().insert(rows.back().end(), row.begin(), row.end());
  }
  return rows;
}

}  // namespace

std::string curve_table(const std::vector<Curve>& curves) {
  return util::table(curve_rows(curves, shown));
}

std::string curve_json(const std::string& id, const std::vector<Curve>& curves) {
  Json json{{"id", id}, {"curves", Json::object()}};
  for (const auto& curve : curves)
    json["curves"][curve.name] = {
        {"step", curve.steps}, {"epoch", curve.epochs}, {"value", curve.values}};
  return dump(json);
}

std::string curve_csv(const std::vector<Curve>& curves) { return csv(curve_rows(curves, exact)); }

namespace {

Rows answer_rows(const Answer& answer) {
  Rows rows{answer.columns};
  for (const auto& row : answer.rows) {
    rows.emplace_back();
    for (const auto& cell : row) rows.back().push_back(cell.text.value_or(""));
  }
  return rows;
}

bool is_id(const Cell& cell) {
  return !cell.text || (cell.text->size() == 26 && is_ulid_prefix(*cell.text));
}

// The columns of which all values are ids: half an id is none.
Strings id_columns(const Answer& answer) {
  Strings ids;
  for (size_t c = 0; c < answer.columns.size(); ++c)
    if (std::ranges::all_of(answer.rows, [&](const auto& row) { return is_id(row[c]); }))
      ids.push_back(answer.columns[c]);
  return ids;
}

}  // namespace

std::string answer_table(const Answer& answer, size_t width) {
  return util::table(util::fit(answer_rows(answer), width, id_columns(answer)));
}

std::string answer_md(const Answer& answer) { return markdown(answer_rows(answer)); }

std::string answer_csv(const Answer& answer) { return csv(answer_rows(answer)); }

std::string answer_json(const Answer& answer) {
  Json list = Json::array();
  for (const auto& row : answer.rows) {
    Json object = Json::object();
    for (size_t i = 0; i < row.size(); ++i) object[answer.columns[i]] = value_json(row[i]);
    list.push_back(std::move(object));
  }
  return dump(list);
}

}  // namespace hilum::runs
