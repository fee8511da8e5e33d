// SPDX-License-Identifier: Apache-2.0
// hilum runs: the group; show, curve and sql (runs_*.cpp, rerun.cpp: the others)
#include "core/cli/commands.hpp"
#include "core/cli/runs_parts.hpp"
#include "core/runs/print/plot.hpp"
#include "core/runs/print/print.hpp"
#include "core/util/fit.hpp"
#include "hilum/names.hpp"

namespace hilum::cli {
namespace {

void add_show(CLI::App& group) {
  struct Options {
    std::string run;
    bool json = false;
  };
  auto* command = group.add_subcommand("show", "Everything that is known of a run");
  auto options = std::make_shared<Options>();
  command->add_option("RUN", options->run, kRun)->required();
  command->add_flag("--json", options->json, "One JSON document");
  command->callback([options] {
    const auto run = runs::Reader().show(options->run);
    const auto now = runs::plugins_now(run);
    std::cout << (options->json ? runs::show_json(run, now)
                                : runs::show_text(run, now, util::terminal_width()));
  });
}

void add_curve(CLI::App& group) {
  struct Options {
    std::string run;
    Strings metrics;
    Format format;
    bool plot = false, table = false;
  };
  auto* command = group.add_subcommand("curve", "A run's metrics, epoch by epoch");
  auto options = std::make_shared<Options>();
  command->add_option("RUN", options->run, kRun)->required();
  command->add_option("--metric", options->metrics, "val.mask.dice, or dice for all that end so");
  add_format(*command, options->format, "The values");
  command->add_flag("--plot", options->plot, "Drawn as text, as on a terminal")
      ->excludes("--json", "--csv");
  command->add_flag("--table", options->table, "A row a step, as in a pipe")
      ->excludes("--json", "--csv", "--plot");
  command->callback([options] {
    const runs::Reader reader;
    const std::string id = reader.find(options->run);
    const auto curves = reader.curves(id, options->metrics);
    if (options->format.json)
      std::cout << runs::curve_json(id, curves);
    else if (options->format.csv)
      std::cout << runs::curve_csv(curves);
    else if (curves.empty())
      std::cout << "Run " << id << " has logged no curve yet.\n";
    else if (options->plot || (!options->table && isatty(STDOUT_FILENO) != 0))
      std::cout << runs::plots(curves, util::terminal_width());
    else
      std::cout << runs::curve_table(curves);
  });
}

void add_sql(CLI::App& group) {
  struct Options {
    std::string query;
    Format format;
  };
  auto* command =
      group.add_subcommand("sql", "Ask the store in SQL; it cannot be changed this way");
  auto options = std::make_shared<Options>();
  command->add_option("QUERY", options->query, "\"select name, value from v_runs where ...\"")
      ->required();
  add_format(*command, options->format, "The answer");
  add_md(*command, options->format, "The answer");
  command->callback([options] {
    const auto answer = runs::Reader().sql(options->query);
    std::cout << (options->format.json  ? runs::answer_json(answer)
                  : options->format.csv ? runs::answer_csv(answer)
                  : options->format.md  ? runs::answer_md(answer)
                                        : runs::answer_table(answer, util::terminal_width()));
  });
}

}  // namespace

void add_runs(CLI::App& app) {
  auto* group = app.add_subcommand("runs", "The run store: what was run, with what, and how well");
  group->require_subcommand(1);
  add_runs_list(*group);
  add_show(*group);
  add_curve(*group);
  add_sql(*group);
  add_runs_best(*group);
  add_runs_compare(*group);
  add_runs_edit(*group);
  add_runs_export(*group);
  add_runs_gc(*group);
}

}  // namespace hilum::cli
