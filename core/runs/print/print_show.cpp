// SPDX-License-Identifier: Apache-2.0
// `hilum runs show` for people.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>

#include "core/runs/print/print.hpp"
#include "core/runs/print/print_parts.hpp"
#include "core/runs/process.hpp"
#include "core/util/fit.hpp"
#include "core/util/text.hpp"
#include "hilum/names.hpp"

namespace hilum::runs {
namespace {

std::string duration(int64_t s) {
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {} s", s / 60, s % 60);
  return fmt::format("{} h {} min", s / 3600, s % 3600 / 60);
}

std::string about(const Details& run) {
  std::string text;
  const auto add = [&](const char* what, const std::string& value) {
    if (!value.empty()) text += fmt::format("{:<13}{}\n", what, value);
  };
  const bool running = run.status == "running";
  const int64_t end = running ? std::time(nullptr) : seconds(run.ended);
  const int64_t took = std::max<int64_t>(0, end - seconds(run.started));
  add("run", run.id);
  add("name", run.name);
  add("experiment", run.experiment);
  add("status", run.status);
  add("error", run.error);
  add("figures", run.seal == Seal::fits     ? "as the run left them"
                 : run.seal == Seal::broken ? "CHANGED since the run ended"
                                            : "");
  add("started", local_time(run.started));
  add(running ? "so far" : "took", end == 0 ? "" : duration(took));
  add("epoch",
      std::to_string(run.epoch) + (run.epochs > 0 ? fmt::format(" of {}", run.epochs) : ""));
  add("seed, fold", fmt::format("{}, {}", run.seed, run.fold));
  add("code", run.git + (run.dirty ? " with uncommitted changes" : ""));
  add("machine", join({run.host, run.device, run.precision, "LibTorch " + run.torch}, ", "));
  add("weights from", run.parent);
  add("tags", join(run.tags, ", "));
  add("note", run.note);
  add("folder", run.folder.string());
  return text;
}

// One row a metric, one column a split.
Rows metric_rows(const Details& run) {
  Strings splits, names;
  std::map<std::string, std::string> values;
  const auto note = [](Strings& list, const std::string& word) {
    if (std::find(list.begin(), list.end(), word) == list.end()) list.push_back(word);
  };
  for (const auto& [name, value] : run.metrics) {
    note(splits, name.substr(0, name.find('.')));
    note(names, name.substr(name.find('.') + 1));
    values[name] = shown(value);
  }
  Rows rows{{"metric"}};
  rows[0].insert(rows[0].end(), splits.begin(), splits.end());
  for (const auto& name : names) {
    rows.push_back({name});
    for (const auto& split : splits) rows.back().push_back(values[split + "." + name]);
  }
  return rows;
}

// Stores of version 2 and older do not say what a library was built for.
Rows plugin_rows(const Details& run, const std::vector<PluginNow>& now) {
  const bool built = std::any_of(run.plugins.begin(), run.plugins.end(),
                                 [](const PluginUse& p) { return !p.build.empty(); });
  Rows rows{{"kind", "name", "version", "sha256"}};
  if (!now.empty()) rows[0].emplace_back("now");
  if (built) rows[0].emplace_back("built for");
  for (size_t i = 0; i < run.plugins.size(); ++i) {
    const auto& p = run.plugins[i];
    rows.push_back({p.kind, p.name, p.version, p.sha256.substr(0, 16)});
    if (!now.empty()) rows.back().push_back(to_text(now[i].state));
    if (built) rows.back().push_back(p.build);
  }
  return rows;
}

// What to do where a plugin is not what it was.
std::string notes_on(const Details& run, const std::vector<PluginNow>& now) {
  std::string text;
  bool other = false;
  for (size_t i = 0; i < now.size(); ++i) {
    const auto& p = run.plugins[i];
    other = other || now[i].state != PluginNow::State::same;
    if (now[i].state == PluginNow::State::changed)
      text += fmt::format("{}/{} was rebuilt since: it is now library {} ({})\n", p.kind, p.name,
                          now[i].sha256.substr(0, 16), now[i].library.string());
    else if (!now[i].why.empty())
      text += fmt::format("{}/{}: {}\n", p.kind, p.name, now[i].why);
  }
  if (other)
    text += fmt::format(
        "`hilum runs rerun {}` says what else changed; with --anyway it trains the run again.\n",
        run.short_id);
  return text;
}

std::string section(const char* title, Rows rows, size_t width) {
  if (rows.size() < 2) return "";
  return fmt::format("\n{}\n{}", title,
                     util::table(util::fit(std::move(rows), width, {"sha256", "metric"})));
}

}  // namespace

std::string shown(double value) { return std::isnan(value) ? "nan" : fmt::format("{:.4g}", value); }

std::string local_time(const std::string& time) {
  const std::time_t at = seconds(time);
  if (at == 0) return "";
  std::tm parts{};
  localtime_r(&at, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts)};
}

std::string show_text(const Details& run, const std::vector<PluginNow>& now, size_t width) {
  Rows params{{"key", "value"}}, files{{"kind", "path"}};
  for (const auto& p : run.params) params.push_back({p.key, p.value});
  for (const auto& [kind, path] : run.artifacts) files.push_back({kind, path});
  return about(run) + section("Final metrics", metric_rows(run), width) +
         section("Plugins", plugin_rows(run, now), width) + notes_on(run, now) +
         section("Parameters", std::move(params), width) +
         section("Artifacts", std::move(files), width);
}

}  // namespace hilum::runs
