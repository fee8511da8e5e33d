// SPDX-License-Identifier: Apache-2.0
// hilum table
#include <fmt/format.h>

#include <memory>
#include <set>

#include "core/cli/commands.hpp"
#include "core/cli/program.hpp"
#include "core/report/table/print.hpp"
#include "core/tables/runner.hpp"
#include "core/train/progress.hpp"
#include "core/util/files.hpp"
#include "core/util/text.hpp"

namespace hilum::cli {
namespace {

struct Options {
  std::string table, profile, format = "text", out;
  Strings overrides;
  int64_t jobs = 1;
  bool status = false;
};

std::string state_of(const tables::State& state, bool computed) {
  using Kind = runs::Match::Kind;
  if (computed) return "computed";
  if (state.waits) return "waits for what it starts from";
  switch (state.match.kind) {
    case Kind::done:
      return "done: run " + state.match.run;
    case Kind::resumable:
      return "begun: run " + state.match.run;
    default:
      return "to do: " + state.match.why;
  }
}

void print_status(const tables::Runner& runner) {
  std::vector<Strings> rows = {{"run", "state"}};
  for (size_t i = 0; i < runner.jobs().size(); ++i)
    rows.push_back(
        {runner.jobs()[i].label, state_of(runner.states()[i], runner.jobs()[i].computed)});
  fmt::print("{}", util::table(rows));
}

// Machine and code of the runs that stand in the table, not of the process that prints it.
void describe_runs(const std::vector<std::vector<report::RowRun>>& rows, report::Context& context) {
  const runs::Reader reader;
  std::set<std::string> machines, commits, tags;
  for (const auto& row : rows)
    for (const auto& run : row) {
      if (!run.cases.empty()) continue;  // no run
      const auto details = reader.show(run.id);
      std::string threads;
      for (const auto& param : details.params)
        if (param.key == "resolved.threads") threads = ", " + param.value + " threads";
      machines.insert(details.device + threads + ", " + details.precision);
      if (!details.git.empty()) commits.insert(details.git.substr(0, 12));
      context.dirty = context.dirty || details.dirty;
      tags.insert(details.tags.begin(), details.tags.end());
    }
  if (tags.contains("phantom"))
    context.budget.insert(context.budget.begin(), "PHANTOMS, no patients: the figures say nothing");
  if (tags.contains("lesion-split"))
    context.budget.insert(context.budget.begin(), "LESION-WISE SPLIT: patients stand on two sides");
  context.machine = join({machines.begin(), machines.end()}, "; ");
  context.commit = join({commits.begin(), commits.end()}, ", ");
}

report::Context context_of(const Options& o, const report::Profile& profile,
                           const std::vector<std::vector<report::RowRun>>& rows) {
  report::Context context{.profile = profile.name, .profile_note = profile.note};
  context.command = "hilum table " + o.table;
  if (!o.profile.empty()) context.command += " --profile " + o.profile;
  for (const auto& text : o.overrides) context.command += " " + util::shell_word(text);
  context.date = util::now().substr(0, 10);
  context.budget = profile.overrides;
  context.budget.insert(context.budget.end(), o.overrides.begin(), o.overrides.end());
  describe_runs(rows, context);
  return context;
}

void table(const Options& o) {
  const auto file = report::read_table(o.table);
  const auto& profile = file.profile(o.profile);
  train::Progress progress(stderr);
  tables::Runner runner(file, tables::jobs_of(file, profile, o.overrides),
                        {.engine = util::this_program().parent_path() / "hilum-engine",
                         .parallel = o.jobs,
                         .look_only = o.status,
                         .say = [&](const std::string& line) { progress.line(line); }});
  if (!runner.run()) {
    progress.line("interrupted; the same command goes on where it was");
    throw Exit{130};
  }
  if (o.status) return print_status(runner);
  auto figures = report::fill(file, runner.rows(), runs::Reader());
  for (const auto& failure : runner.failures()) figures.notes.push_back(failure);
  const auto text =
      report::print(file, figures, runner.rows(), context_of(o, profile, runner.rows()),
                    report::format_of(o.format));
  if (o.out.empty())
    fmt::print("{}", text);
  else
    util::write_file(o.out, text);
  if (!runner.failures().empty()) throw Exit{1};
}

}  // namespace

void add_table(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* command = app.add_subcommand(
      "table", "a table of a paper: run what is missing, print the paper's figures and ours");
  command->add_option("table", o->table, "the table's file (TOML)")->required();
  command->add_option("overrides", o->overrides,
                      "for every row: a.b=v sets a key, +a.b=v adds one, ~a.b deletes one");
  command->add_option("--profile", o->profile, "a budget of the file; default: its first");
  command->add_option("--format", o->format, "text, md, csv, latex or json")
      ->check(CLI::IsMember({"text", "md", "csv", "latex", "json"}));
  command->add_flag_callback(
      "--json", [o] { o->format = "json"; }, "as --format json");
  command->add_option("-o,--out", o->out, "a file to write; default: standard output");
  command->add_option("--jobs", o->jobs, "trainings at once, each on its share of the cores")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_flag("--status", o->status, "say what is done and what is missing; run nothing");
  command->callback([o] { table(*o); });
}

}  // namespace hilum::cli
