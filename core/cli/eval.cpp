// SPDX-License-Identifier: Apache-2.0
// hilum eval
#include <fmt/core.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/cli/commands.hpp"
#include "core/model/weights.hpp"
#include "core/report/run_table.hpp"
#include "core/train/checkpoint.hpp"
#include "core/train/evaluate.hpp"
#include "core/train/progress.hpp"
#include "core/train/record.hpp"

namespace hilum::cli {
namespace {

struct Options {
  std::string run, split = "test", data, checkpoint = "best";
  bool json = false;
};

// The regions to evaluate and the name under which their figures are kept.
std::pair<std::vector<size_t>, std::string> regions(const Options& options,
                                                    const train::DataSetup& data) {
  if (!options.data.empty()) {  // another set: all of it
    std::vector<size_t> all(data.set.regions.size());
    std::iota(all.begin(), all.end(), size_t{0});
    return {all,
            "data_" + std::filesystem::path(options.data).lexically_normal().filename().string()};
  }
  const auto& split = data.split;
  const auto& chosen = options.split == "train" ? split.train
                       : options.split == "val" ? split.val
                                                : split.test;
  if (chosen.empty())
    throw Error("the run has no regions in its split '" + options.split + "'", Fault::request);
  return {chosen, options.split};
}

void eval(const Options& options) {
  auto store = runs::Store::existing();
  const auto run = store.find(options.run);
  Strings overrides;
  if (!options.data.empty())
    overrides = {"data.source=" + std::filesystem::absolute(options.data).string(), "data.folds="};
  auto setup = train::prepare(config::Document::load(run.folder / "config.toml", overrides));
  const auto file = train::checkpoint_file(run.folder, options.checkpoint);
  if (!std::filesystem::exists(file))
    throw Error("run " + run.id + " (" + run.status + ") has no checkpoint yet", Fault::request);
  const auto checkpoint = train::Checkpoint::load(file);
  const auto report = model::load_state(*setup.model, checkpoint.model);
  if (!report.missing.empty())
    throw Error(file.string() + ": has no " + join(report.missing, ", "));
  train::place(*setup.model, setup.compute);

  train::DataSetup data;
  if (options.data.empty()) {
    data = train::load_data(setup.experiment, *setup.model);
  } else {
    data.set = data::read_regions(setup.experiment.data);
    data::require_targets(data.set, setup.model->numeric_targets());
  }
  const auto [chosen, name] = regions(options, data);
  const data::Sampler sampler(data.set, chosen, setup.experiment.data,
                              setup.experiment.experiment.seed, false);
  train::Progress progress(stderr);
  const auto evaluation =
      train::evaluate(*setup.model, sampler, setup.compute, setup.experiment.train.batch,
                      [&](int64_t done, int64_t total) { progress.bar(name, done, total, 0); });
  train::record_evaluation(store, run.id, name, checkpoint.step, checkpoint.epoch, evaluation);
  std::map<std::string, double> metrics;
  for (const auto& [key, value] : evaluation.metrics) metrics[name + "." + key] = value;
  if (options.json) {
    fmt::print("{}\n", nlohmann::ordered_json{{"id", run.id},
                                              {"split", name},
                                              {"checkpoint", file.filename().string()},
                                              {"regions", chosen.size()},
                                              {"metrics", metrics}}
                           .dump(2));
    return;
  }
  progress.line(fmt::format("run {} ({}), {}, {}: {} regions", run.id, run.name,
                            file.filename().string(), name, chosen.size()));
  fmt::print("{}", report::run_table(metrics, name));
  for (const auto& text : evaluation.undefined) fmt::print("not defined: {}\n", text);
}

}  // namespace

void add_eval(CLI::App& app) {
  auto options = std::make_shared<Options>();
  auto* command =
      app.add_subcommand("eval", "a run's figures on a split of its data, or on another ROI set");
  command->add_option("run", options->run, "id, unique prefix of one, name (its newest) or @last")
      ->required();
  command->add_option("--split", options->split, "train, val or test")
      ->check(CLI::IsMember({"train", "val", "test"}));
  command->add_option("--data", options->data, "another ROI set: all of its regions")
      ->excludes("--split");
  command
      ->add_option("--checkpoint", options->checkpoint,
                   "best (the last one where there was no validation) or last")
      ->check(CLI::IsMember({"best", "last"}));
  command->add_flag("--json", options->json, "one JSON document");
  command->callback([options] { eval(*options); });
}

}  // namespace hilum::cli
