// SPDX-License-Identifier: Apache-2.0
// hilum sweep: many settings of one experiment, each run once.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/cli/commands.hpp"
#include "core/cli/program.hpp"
#include "core/tables/runner.hpp"
#include "core/tables/sweep.hpp"
#include "core/train/progress.hpp"
#include "core/util/files.hpp"
#include "core/util/text.hpp"

namespace hilum::cli {
namespace {
using Json = nlohmann::ordered_json;
using Kind = runs::Match::Kind;

struct Options {
  std::string experiment, list, metric;
  Strings axes;
  std::vector<int64_t> folds = {0};
  int64_t jobs = 1, seeds = 1;
  bool status = false, fail_fast = false, any_code = false, json = false;
};

struct Point {
  std::string label, run, state, why;
  std::optional<double> value;
};

const char* state_of(const tables::State& state) {
  if (!state.failed.empty()) return "failed";
  switch (state.match.kind) {
    case Kind::done:
      return "done";
    case Kind::running:
      return "running";
    case Kind::resumable:
      return "begun";
    default:
      return "to do";
  }
}

// Settings are chosen by validation: a figure of the test is shown only where it is asked for.
std::string metric_of(const Options& o, const runs::Reader& reader, const tables::Runner& runner) {
  if (!o.metric.empty()) return o.metric;
  for (const auto& state : runner.states())
    if (state.match.kind == Kind::done) {
      for (const auto& [name, value] : reader.show(state.match.run).metrics)
        if (name.starts_with("val.") && (name.ends_with(".dice") || name.ends_with(".auc")))
          return name;
      break;  // all points are of one experiment
    }
  return "";
}

std::vector<Point> points_of(const tables::Runner& runner, const runs::Reader& reader,
                             const std::string& metric) {
  std::vector<Point> points;
  for (size_t i = 0; i < runner.jobs().size(); ++i) {
    const auto& state = runner.states()[i];
    Point p{.label = runner.jobs()[i].label,
            .run = state.match.run,
            .state = state_of(state),
            .why = state.failed.empty() ? state.match.why : state.failed};
    if (state.match.kind == Kind::done && !metric.empty())
      for (const auto& [name, value] : reader.show(p.run).metrics)
        if (name == metric) p.value = value;
    points.push_back(std::move(p));
  }
  return points;
}

void print(const std::vector<Point>& points, const std::string& metric, bool json) {
  if (json) {
    Json list = Json::array();
    for (const auto& p : points)
      list.push_back({{"point", p.label},
                      {"run", p.run},
                      {"state", p.state},
                      {"why", p.why},
                      {"metric", metric},
                      {"value", p.value ? Json(*p.value) : Json()}});
    fmt::print("{}\n", list.dump(2));
    return;
  }
  std::vector<Strings> rows{{"point", "state", "run", metric.empty() ? "figure" : metric, "why"}};
  for (const auto& p : points)
    rows.push_back(
        {p.label, p.state, p.run, p.value ? fmt::format("{:.4g}", *p.value) : "-", p.why});
  if (std::ranges::all_of(points, [](const Point& p) { return p.why.empty(); }))
    for (auto& row : rows) row.pop_back();
  fmt::print("{}", util::table(rows));
  if (metric.empty())
    fmt::print(
        "No validation figure to choose by: data.val = 0.2 keeps regions for it. --metric NAME "
        "shows another figure.\n");
}

void sweep(const Options& o) {
  if (!o.list.empty() && !o.axes.empty())
    throw Error("sweep: give values on the command line or --list FILE, not both.", Fault::request);
  const auto points = o.list.empty() ? tables::grid(o.axes) : tables::read_points(o.list);
  const auto table =
      tables::sweep(std::filesystem::absolute(o.experiment), points, o.folds, o.seeds);
  train::Progress progress(stderr);
  tables::Runner runner(table, tables::jobs_of(table, table.profiles.front(), {}),
                        {.engine = util::this_program().parent_path() / "hilum-engine",
                         .parallel = o.jobs,
                         .look_only = o.status,
                         .fail_fast = o.fail_fast,
                         .same_program = !o.any_code,
                         .say = [&](const std::string& line) { progress.line(line); }});
  if (!runner.run()) {
    progress.line("interrupted; the same command goes on where it was");
    throw Exit{130};
  }
  const runs::Reader reader;
  const std::string metric = metric_of(o, reader, runner);
  print(points_of(runner, reader, metric), metric, o.json);
  if (!runner.failures().empty()) throw Exit{1};
}

}  // namespace

void add_sweep(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* command = app.add_subcommand(
      "sweep", "an experiment at many settings: each combination of values is run once");
  command->add_option("experiment", o->experiment, "the experiment file (TOML)")->required();
  command->add_option("values", o->axes, "a.b=v,w tries both values; a.b=v sets one for all");
  command->add_option("--list", o->list, "a file with a point a line: a.b=v c.d=w");
  command->add_option("--folds", o->folds, "the folds of each point")->delimiter(',');
  command->add_option("--seeds", o->seeds, "seeds of each point: 0, 1, ...")
      ->check(CLI::PositiveNumber);
  command->add_option("--metric", o->metric,
                      "the figure to show, as in `hilum runs show`; default: of the validation");
  command->add_option("--jobs", o->jobs, "trainings at once, each on its share of the cores")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_flag("--fail-fast", o->fail_fast, "after a failure, nothing more is begun");
  command->add_flag("--any-code", o->any_code,
                    "what another build of Hilum has done counts as done");
  command->add_flag("--status", o->status, "say where each point stands; run nothing");
  command->add_flag("--json", o->json, "one JSON document on stdout");
  command->footer(
      "A point that is done with the same options, plugins, data and build of Hilum is skipped; "
      "one "
      "that failed is tried again;\none that was interrupted or killed goes on. Ctrl-C saves; the "
      "same command "
      "goes on.");
  command->callback([o] { sweep(*o); });
}

}  // namespace hilum::cli
