// SPDX-License-Identifier: Apache-2.0
// hilum runs list | show | curve | sql | rm (rerun.cpp: rerun; runs_compare.cpp: compare, diff)
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "core/cli/commands.hpp"
#include "core/runs/print.hpp"
#include "core/runs/queries.hpp"
#include "hilum/error.hpp"
#include "hilum/names.hpp"

namespace hilum::cli {
namespace {

constexpr int64_t kShown = 50;  // runs that a table shows unless --limit says otherwise

// The output formats of a command, one at most.
struct Format {
  bool json = false, csv = false;
};

void add_format(CLI::App& command, Format& format, const char* what) {
  auto* json = command.add_flag("--json", format.json, std::string(what) + " as one JSON document");
  command.add_flag("--csv", format.csv, std::string(what) + " as CSV")->excludes(json);
}

void list(const runs::ListOptions& asked, bool limit_given, Format format) {
  const runs::Reader reader;
  runs::ListOptions options = asked;
  if (!limit_given && !format.json && !format.csv) options.limit = kShown + 1;
  auto found = reader.list(options);
  if (format.json) {
    std::cout << runs::list_json(found);
  } else if (format.csv) {
    std::cout << runs::list_csv(found);
  } else if (found.empty()) {
    const auto count = reader.count();
    std::cout << (count == 0 ? "No runs in " + reader.folder().string() +
                                   " yet. `hilum run EXPERIMENT.toml` records one.\n"
                             : "None of the " + std::to_string(count) + " runs matches.\n");
  } else {
    const bool more = !limit_given && found.size() > kShown;
    if (more) found.pop_back();
    std::cout << runs::list_table(found);
    if (more)
      std::cerr << "These are the newest " << kShown << "; --limit 0 lists all, --where chooses.\n";
  }
}

void add_list(CLI::App& group) {
  struct Options : runs::ListOptions {
    Format format;
  };
  auto* command = group.add_subcommand("list", "The runs, newest first");
  auto options = std::make_shared<Options>();
  command->add_option("--where", options->where,
                      "Choose by metrics, parameters and parts: \"dice>0.8 and backbone='unet'\"");
  command->add_option("--status", options->status, "running, done, failed, interrupted or crashed");
  command->add_option("--name", options->name, "Choose by name: a text with * and ?");
  auto* limit = command->add_option("--limit", options->limit, "At most so many; 0: all");
  limit->check(CLI::NonNegativeNumber);
  add_format(*command, options->format, "The list");
  command->callback([options, limit] { list(*options, limit->count() > 0, options->format); });
}

void add_show(CLI::App& group) {
  struct Options {
    std::string run;
    bool json = false;
  };
  auto* command = group.add_subcommand("show", "Everything that is known of a run");
  auto options = std::make_shared<Options>();
  command->add_option("RUN", options->run, "Id, the start of one, name (its newest) or @last")
      ->required();
  command->add_flag("--json", options->json, "One JSON document");
  command->callback([options] {
    const auto run = runs::Reader().show(options->run);
    const auto now = runs::plugins_now(run);
    std::cout << (options->json ? runs::show_json(run, now) : runs::show_text(run, now));
  });
}

void add_curve(CLI::App& group) {
  struct Options {
    std::string run;
    Strings metrics;
    Format format;
  };
  auto* command = group.add_subcommand("curve", "A run's metrics, epoch by epoch");
  auto options = std::make_shared<Options>();
  command->add_option("RUN", options->run, "Id, the start of one, name (its newest) or @last")
      ->required();
  command->add_option("--metric", options->metrics, "val.mask.dice, or dice for all that end so");
  add_format(*command, options->format, "The values");
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
    else
      std::cout << runs::curve_table(curves, isatty(STDOUT_FILENO) != 0);
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
  command->callback([options] {
    const auto answer = runs::Reader().sql(options->query);
    std::cout << (options->format.json  ? runs::answer_json(answer)
                  : options->format.csv ? runs::answer_csv(answer)
                                        : runs::answer_table(answer));
  });
}

bool agreed(const std::vector<runs::Details>& doomed) {
  for (const auto& run : doomed)
    std::cerr << run.id << "  " << run.name << "  " << run.status << "  " << run.started << "\n";
  std::cerr << "Remove "
            << (doomed.size() == 1 ? "this run"
                                   : "these " + std::to_string(doomed.size()) + " runs")
            << " with weights and predictions? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

void remove(const Strings& named, bool yes) {
  std::vector<runs::Details> doomed;
  Strings ids;
  const runs::Reader reader;
  for (const auto& run : named) {
    auto details = reader.show(run);
    if (std::find(ids.begin(), ids.end(), details.id) != ids.end()) continue;
    ids.push_back(details.id);
    doomed.push_back(std::move(details));
  }
  if (!yes && isatty(STDIN_FILENO) == 0)
    throw Error("runs rm: nobody can be asked here (no terminal). Give --yes to remove " +
                    join(ids, ", ") + ".",
                Fault::request);
  if (!yes && !agreed(doomed)) {
    std::cerr << "Nothing was removed.\n";
    return;
  }
  runs::remove(reader.folder(), ids);
  for (const auto& run : doomed) std::cout << "removed " << run.id << "  " << run.name << "\n";
}

void add_rm(CLI::App& group) {
  struct Options {
    Strings named;
    bool yes = false;
  };
  auto* command = group.add_subcommand("rm", "Remove runs: rows, weights and predictions");
  auto options = std::make_shared<Options>();
  command->add_option("RUN", options->named, "Ids, starts of them, names (the newest) or @last")
      ->required();
  command->add_flag("--yes", options->yes, "Do not ask");
  command->callback([options] { remove(options->named, options->yes); });
}

}  // namespace

void add_runs(CLI::App& app) {
  auto* group = app.add_subcommand("runs", "The run store: what was run, with what, and how well");
  group->require_subcommand(1);
  add_list(*group);
  add_show(*group);
  add_curve(*group);
  add_sql(*group);
  add_runs_compare(*group);
  add_rm(*group);
}

}  // namespace hilum::cli
