// SPDX-License-Identifier: Apache-2.0
// hilum run, hilum resume
#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "core/cli/commands.hpp"
#include "core/cli/program.hpp"
#include "core/cli/tags.hpp"
#include "core/model/plan.hpp"
#include "core/report/run_table.hpp"
#include "core/runs/store.hpp"
#include "core/train/on_demand.hpp"
#include "core/train/trainer.hpp"

namespace hilum::cli {
namespace {

struct Options {
  std::string file, fold, run;
  Strings overrides, tags;
  bool json = false, dry = false;
};

nlohmann::ordered_json to_json(const train::RunResult& result) {
  return {{"id", result.id}, {"status", result.status}, {"metrics", result.metrics}};
}

void print(const train::RunResult& result) {
  if (result.status != "done") return;
  fmt::print("\n{}", report::run_table(result.metrics, "test"));
  fmt::print("\nrun {} is done; it is in {}\n  hilum runs show {}\n", result.id,
             result.folder.string(), result.id);
}

// With --json, stdout has one document and nothing else.
train::Progress progress(const Options& options) {
  return train::Progress(options.json ? stderr : stdout);
}

config::Document load(const Options& options, const std::string& fold) {
  Strings overrides = options.overrides;
  if (!fold.empty()) overrides.push_back("data.fold=" + fold);
  return config::Document::load(options.file, overrides);
}

void say_dropped(const config::Experiment& experiment, train::Progress& out) {
  for (const auto& text : experiment.dropped) out.line("note: " + text);
}

void dry_run(const Options& options) {
  const auto setup = train::prepare(load(options, options.fold == "all" ? "" : options.fold));
  auto out = progress(options);
  say_dropped(setup.experiment, out);
  const auto data = train::load_data(setup.experiment, *setup.model);
  for (const auto& text : data.warnings) out.line("warning: " + text);
  if (options.json) {
    fmt::print("{}", model::plan_json(*setup.model));
  } else {
    fmt::print("{}{}\n{}: nothing is wrong; nothing was recorded\n", model::plan_text(*setup.model),
               data.split.text, options.file);
  }
}

std::vector<std::string> folds_of(const Options& options) {
  if (options.fold != "all") return {options.fold};
  const auto [experiment, plugins] = train::read_experiment(load(options, ""));
  const auto set = data::read_regions(experiment.data);
  return data::fold_names(set);
}

void finish(const std::vector<train::RunResult>& results, const Options& options) {
  if (options.json) {
    if (results.size() == 1)
      fmt::print("{}\n", to_json(results[0]).dump(2));
    else {
      nlohmann::ordered_json all = nlohmann::ordered_json::array();
      for (const auto& result : results) all.push_back(to_json(result));
      fmt::print("{}\n", all.dump(2));
    }
  }
  if (results.back().status == "interrupted") throw Exit{130};
}

void run(const Options& options) {
  check_tags(options.tags);
  if (options.dry) return dry_run(options);
  const auto folds = folds_of(options);
  std::unique_ptr<runs::Store> store;
  std::vector<train::RunResult> results;
  for (const auto& fold : folds) {
    // A wrong request records nothing, not even a store.
    auto out = progress(options);
    auto document = load(options, fold);
    auto setup = train::prepare(document);
    say_dropped(setup.experiment, out);
    const bool on_demand = train::starts_on_demand(document);
    if (!store) store = std::make_unique<runs::Store>();
    if (on_demand) {
      try {
        setup = train::prepare(train::resolve_init(std::move(document), *store, out));
      } catch (const train::Interrupted& stopped) {
        results.push_back(stopped.result);
        break;
      }
    }
    setup.tags = options.tags;
    results.push_back(train::run(std::move(setup), *store, out));
    if (!options.json) print(results.back());
    if (results.back().status == "interrupted") break;
  }
  finish(results, options);
}

}  // namespace

void add_run(CLI::App& app) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("run", "train, validate, test and log an experiment");
  command->add_option("experiment", options->file, "the experiment file (TOML)")->required();
  command->add_option("overrides", options->overrides,
                      "a.b=v sets a key, +a.b=v adds one, ~a.b deletes one");
  command->add_option("--fold,--folds", options->fold,
                      "the fold to test on, or 'all': a run for each");
  command->add_option("--tag", options->tags, "a tag of the run; may be given again")
      ->allow_extra_args(false);
  command->add_flag("--dry-run", options->dry,
                    "check the file, the model and the data; record nothing");
  command->add_flag("--json", options->json, R"(one JSON document: {"id", "status", "metrics"})");
  command->callback([options] { run(*options); });
}

void add_resume(CLI::App& app) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("resume", "go on from a run's last checkpoint, bit for bit");
  command->add_option("run", options->run, "id, unique prefix of one, name (its newest) or @last")
      ->required();
  command->add_flag("--json", options->json, R"(one JSON document: {"id", "status", "metrics"})");
  command->callback([options] {
    auto store = runs::Store::existing();
    auto out = progress(*options);
    const auto result = train::resume(options->run, store, out);
    if (!options->json) print(result);
    finish({result}, *options);
  });
}

}  // namespace hilum::cli
