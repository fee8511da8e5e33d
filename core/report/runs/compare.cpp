// SPDX-License-Identifier: Apache-2.0
#include "core/report/runs/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/config/apart.hpp"
#include "core/metrics/statistics.hpp"
#include "core/runs/ask/direction.hpp"
#include "hilum/error.hpp"

namespace hilum::report {
namespace {

constexpr double kLevel = 0.05;
const std::string kSplit = "test.";

std::map<std::string, std::string> values_of(const std::vector<runs::NewRun::Param>& params) {
  std::map<std::string, std::string> values;
  for (const auto& p : params) values[p.key] = p.value;
  return values;
}

// Keys in order, of those that are not the same everywhere.
std::vector<Differing> differing(const std::vector<std::map<std::string, std::string>>& all) {
  std::set<std::string> keys;
  for (const auto& one : all)
    for (const auto& [key, value] : one) keys.insert(key);
  std::vector<Differing> found;
  for (const auto& key : keys) {
    Differing d{key, {}};
    for (const auto& one : all) {
      const auto value = one.find(key);
      d.values.push_back(value == one.end() ? "" : value->second);
    }
    if (std::ranges::any_of(d.values, [&](const auto& v) { return v != d.values[0]; }))
      found.push_back(std::move(d));
  }
  return found;
}

void find_differences(RunComparison& c) {
  std::vector<std::map<std::string, std::string>> options, plugins, around;
  for (const auto& run : c.runs) {
    auto& mine = options.emplace_back();
    auto& about = around.emplace_back();
    for (const auto& [key, value] : values_of(run.params))
      if (!key.starts_with("resolved."))
        (config::changes_no_result(key) ? about : mine)[key] = value;
      else if (key == "resolved.fingerprint" || key == "resolved.threads" ||
               key == "resolved.program")
        about[key.substr(9)] = value;
    about["code"] = run.git + (run.dirty ? " with uncommitted changes" : "");
    about["LibTorch"] = run.torch;
    about["machine"] = run.host + ", " + run.device;
    about["precision"] = run.precision;
    about["status"] = run.status;
    auto& used = plugins.emplace_back();
    for (const auto& p : run.plugins)
      used[p.kind + "/" + p.name] = p.version + " " + p.sha256.substr(0, 12);
  }
  c.options = differing(options), c.plugins = differing(plugins);
  c.circumstances = differing(around);
}

// "mask.slice_dice" is the metric "mask.dice" over slices.
Column column_of(const std::string& name) {
  Column column{.id = name, .label = name, .metric = name};
  const size_t dot = name.find_last_of('.');
  const std::string head = name.substr(0, dot + 1), last = name.substr(dot + 1);
  for (const std::string average :
       {"nonempty_nodule", "nonempty_patient", "nonempty_slice", "nodule", "patient", "slice"})
    if (last.starts_with(average + "_")) {
      column.average = average;
      column.metric = head + last.substr(average.size() + 1);
      break;
    }
  column.lower = runs::lower_is_better(column.metric);
  return column;
}

// Of a run: the figures that answer "is it better", one or two a kind of output.
bool usual(const std::string& name) {
  static const std::set<std::string> last{"dice", "hd95", "assd", "auc", "balanced_accuracy",
                                          "mae",  "kappa"};
  return last.count(name.substr(name.find_last_of('.') + 1)) > 0;
}

// Test metrics by name and in order, and how many of the runs have each.
std::vector<std::pair<std::string, size_t>> metrics_of(const std::vector<runs::Details>& all) {
  std::vector<std::pair<std::string, size_t>> found;
  for (const auto& run : all)
    for (const auto& [full, value] : run.metrics) {
      if (!full.starts_with(kSplit) || full.find('.', kSplit.size()) == std::string::npos) continue;
      const std::string name = full.substr(kSplit.size());
      const auto at = std::ranges::find(found, name, &std::pair<std::string, size_t>::first);
      at == found.end() ? void(found.emplace_back(name, 1)) : void(++at->second);
    }
  return found;
}

std::vector<Column> columns_of(const std::vector<runs::Details>& all, const Strings& asked) {
  std::vector<Column> columns;
  const auto metrics = metrics_of(all);
  Strings known;
  for (const auto& [name, count] : metrics) {
    known.push_back(name);
    if (asked.empty() && count > 1 && usual(name)) columns.push_back(column_of(name));
  }
  for (const auto& wanted : asked) {
    const size_t before = columns.size();
    for (const auto& name : known)
      if (name == wanted || name.ends_with("." + wanted)) columns.push_back(column_of(name));
    if (columns.size() == before)
      throw Error("--metric: none of the runs has a test metric '" + wanted + "'." +
                      suggestion(wanted, known),
                  Fault::request);
  }
  if (columns.empty())
    throw Error(
        "these runs have no test metric in common. `hilum runs show RUN` lists a run's; --metric "
        "names one.",
        Fault::request);
  return columns;
}

// The done runs that differ from this one in their seed alone, it among them.
std::vector<runs::Details> other_seeds(const runs::Reader& reader, const runs::Details& run) {
  std::vector<runs::Details> found;
  for (const auto& other : reader.list({.status = "done", .name = run.name})) {
    if (other.fold != run.fold) continue;
    auto details = reader.show(other.id);
    const auto changed = differing({values_of(run.params), values_of(details.params)});
    const bool same = std::ranges::all_of(changed, [](const Differing& d) {
      return d.key == "experiment.seed" || config::changes_no_result(d.key);
    });
    const bool built_alike = run.plugins.size() == details.plugins.size() &&
                             std::ranges::equal(run.plugins, details.plugins, {},
                                                &runs::PluginUse::sha256, &runs::PluginUse::sha256);
    if (same && built_alike) found.push_back(std::move(details));
  }
  return found;
}

// Of each run its seeds: read once, for all metrics.
using Seeds = std::vector<std::vector<runs::Details>>;

std::vector<double> figures_of(const std::vector<runs::Details>& seeds, const std::string& metric) {
  std::vector<double> values;
  for (const auto& run : seeds)
    for (const auto& [name, value] : run.metrics)
      if (name == kSplit + metric && std::isfinite(value)) values.push_back(value);
  return values;
}

// How far two runs of the same work lie apart by their seeds alone, 95 % of the time.
std::optional<double> seed_noise(const Seeds& seeds, size_t a, size_t b,
                                 const std::string& metric) {
  double variance = 0;
  size_t counted = 0;
  for (const size_t r : {a, b}) {
    const auto values = figures_of(seeds[r], metric);
    if (values.size() < 2) continue;
    const double sd = metrics::deviation(values);
    variance += sd * sd, ++counted;
  }
  if (counted == 0) return std::nullopt;
  return 1.96 * std::sqrt(2 * variance / static_cast<double>(counted));
}

Verdict judge(const Seeds& seeds, const RunComparison& c, size_t r, size_t m) {
  const Column& column = c.table.columns[m];
  const Cell& cell = c.figures.cells[r][m];
  Verdict v{.metric = column.id, .run = c.labels[r]};
  const std::string start = fmt::format("{}: {}", column.id, c.labels[r]);
  if (!cell.difference || !cell.difference_low) {
    v.text = start + " cannot be compared: there are no cases that both have.";
    return v;
  }
  const double d = *cell.difference;
  const auto floor = seed_noise(seeds, 0, r, column.id);
  const bool beyond_cases =
      (*cell.difference_low > 0 || *cell.difference_high < 0) && (!cell.p || *cell.p < kLevel);
  const bool beyond_seeds = !floor || std::abs(d) > *floor;
  const std::string figures =
      fmt::format("{:+.4f} [{:+.4f}, {:+.4f}]{}{}", d, *cell.difference_low, *cell.difference_high,
                  cell.p ? fmt::format(", p = {:.2g}", *cell.p) : "",
                  floor ? fmt::format(", seeds alone make up to {:.4f}", *floor) : "");
  if (!beyond_cases || !beyond_seeds) {
    v.kind = Verdict::Kind::noise;
    v.text = fmt::format("{} is not distinguishable from the first: {}.", start, figures);
    return v;
  }
  const bool better = (d > 0) != column.lower;
  v.kind = better ? Verdict::Kind::better : Verdict::Kind::worse;
  v.text =
      fmt::format("{} is {} than the first: {}.{}", start, better ? "better" : "worse", figures,
                  floor ? "" : " No other seed of it was run, so seed noise is unknown.");
  return v;
}

RunComparison described(const runs::Reader& reader, const Strings& named) {
  RunComparison c;
  for (const auto& name : named) {
    auto run = reader.show(name);
    if (std::ranges::any_of(c.runs, [&](const auto& other) { return other.id == run.id; }))
      throw Error("'" + name + "' is named twice: it is run " + run.short_id + ".", Fault::request);
    c.labels.push_back(fmt::format("{} {}", run.name, run.short_id));
    c.runs.push_back(std::move(run));
  }
  if (c.runs.size() < 2)
    throw Error("two runs or more are compared; `hilum runs list` has their ids.", Fault::request);
  find_differences(c);
  return c;
}

}  // namespace

RunComparison differences(const runs::Reader& reader, const Strings& named) {
  return described(reader, named);
}

RunComparison compare_runs(const runs::Reader& reader, const Strings& named,
                           const CompareOptions& options) {
  RunComparison c = described(reader, named);
  c.table.title = "Test figures";
  c.table.columns = columns_of(c.runs, options.metrics);
  for (size_t r = 0; r < c.runs.size(); ++r) {
    c.table.rows.push_back({.id = c.runs[r].id, .label = c.labels[r], .experiment = "run"});
    c.rows.push_back(
        {{.id = c.runs[r].id, .set = "folds", .seed = c.runs[r].seed, .fold = c.runs[r].fold}});
  }
  c.table.baseline = c.runs[0].id;
  c.figures = fill(c.table, c.rows, reader);
  Seeds seeds;
  for (const auto& run : c.runs) seeds.push_back(other_seeds(reader, run));
  for (size_t r = 1; r < c.runs.size(); ++r)
    for (size_t m = 0; m < c.table.columns.size(); ++m) c.verdicts.push_back(judge(seeds, c, r, m));
  return c;
}

}  // namespace hilum::report
