// SPDX-License-Identifier: Apache-2.0
#include "core/runs/print.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "core/runs/print_parts.hpp"
#include "core/util/text.hpp"
#include "hilum/names.hpp"

namespace hilum::runs {
namespace {

using Json = nlohmann::ordered_json;  // keys in the order a person reads them
using Rows = std::vector<std::vector<std::string>>;

// Indented JSON. Bytes that are no UTF-8 (a host's name, a file's) must not cost the whole answer.
std::string dump(const Json& json) {
  return json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string csv(const Rows& rows) {
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) text += ',';
      if (row[i].find_first_of(",\"\r\n") == std::string::npos) {
        text += row[i];
        continue;
      }
      text += '"';
      for (const char c : row[i]) text += c == '"' ? std::string("\"\"") : std::string(1, c);
      text += '"';
    }
    text += '\n';
  }
  return text;
}

std::string exact(double value) { return std::isnan(value) ? "" : fmt::format("{}", value); }

// The figure that tells how good a run is: the Dice on its test split, else the first that was
// logged there, else the same of validation, else of training.
std::string main_metric(const Summary& run) {
  for (const char* split : {"test.", "val.", "train."}) {
    const std::pair<std::string, double>* first = nullptr;
    for (const auto& metric : run.metrics) {
      if (!metric.first.starts_with(split)) continue;
      if (metric.first.ends_with(".dice")) return metric.first + " " + shown(metric.second);
      if (first == nullptr) first = &metric;
    }
    if (first != nullptr) return first->first + " " + shown(first->second);
  }
  return "";
}

Json optional_text(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json metrics_json(const Summary& run) {
  Json metrics = Json::object();
  for (const auto& [name, value] : run.metrics) metrics[name] = value;
  return metrics;
}

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

}  // namespace

std::string list_table(const std::vector<Summary>& runs) {
  Rows rows{{"id", "name", "status", "started", "fold", "seed", "epoch", "result", "tags"}};
  const bool tags =
      std::any_of(runs.begin(), runs.end(), [](const auto& r) { return !r.tags.empty(); });
  for (const auto& run : runs) {
    std::string epoch = std::to_string(run.epoch);
    if (run.epochs > 0) epoch += "/" + std::to_string(run.epochs);
    rows.push_back({run.short_id, run.name, run.status, local_time(run.started),
                    std::to_string(run.fold), std::to_string(run.seed), epoch, main_metric(run),
                    join(run.tags, " ")});
  }
  if (!tags)
    for (auto& row : rows) row.pop_back();
  return util::table(rows);
}

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

std::string curve_table(const std::vector<Curve>& curves, bool plots) {
  std::string text = util::table(curve_rows(curves, shown));
  if (!plots) return text;
  size_t width = 0;
  for (const auto& curve : curves) width = std::max(width, curve.name.size());
  for (const auto& curve : curves) {
    Strings range;
    const auto [low, high] = std::minmax_element(curve.values.begin(), curve.values.end());
    if (low != curve.values.end()) range = {shown(*low), shown(*high)};
    text += fmt::format("\n{:<{}}  {}  {}", curve.name, width, sparkline(curve.values, 60),
                        join(range, " to "));
  }
  return text + "\n";
}

std::string curve_json(const std::string& id, const std::vector<Curve>& curves) {
  Json json{{"id", id}, {"curves", Json::object()}};
  for (const auto& curve : curves)
    json["curves"][curve.name] = {
        {"step", curve.steps}, {"epoch", curve.epochs}, {"value", curve.values}};
  return dump(json);
}

std::string curve_csv(const std::vector<Curve>& curves) { return csv(curve_rows(curves, exact)); }

std::string answer_table(const Answer& answer) {
  Rows rows{answer.columns};
  for (const auto& row : answer.rows) {
    rows.emplace_back();
    for (const auto& cell : row) rows.back().push_back(cell.text.value_or(""));
  }
  return util::table(rows);
}

std::string answer_csv(const Answer& answer) {
  Rows rows{answer.columns};
  for (const auto& row : answer.rows) {
    rows.emplace_back();
    for (const auto& cell : row) rows.back().push_back(cell.text.value_or(""));
  }
  return csv(rows);
}

std::string answer_json(const Answer& answer) {
  Json list = Json::array();
  for (const auto& row : answer.rows) {
    Json object = Json::object();
    for (size_t i = 0; i < row.size(); ++i) {
      if (!row[i].text)
        object[answer.columns[i]] = nullptr;
      else if (row[i].number)
        object[answer.columns[i]] = Json::parse(*row[i].text, nullptr, false);
      else
        object[answer.columns[i]] = *row[i].text;
      if (object[answer.columns[i]].is_discarded()) object[answer.columns[i]] = nullptr;  // Inf
    }
    list.push_back(std::move(object));
  }
  return dump(list);
}

}  // namespace hilum::runs
