// SPDX-License-Identifier: Apache-2.0
// hilum eval
#include <fmt/core.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "core/cli/commands.hpp"
#include "core/report/run_table.hpp"
#include "core/runs/queries.hpp"
#include "core/train/evaluate.hpp"
#include "core/train/evaluation_run.hpp"
#include "core/train/progress.hpp"

namespace hilum::cli {
namespace {

struct Options {
  Strings runs;
  std::string split = "test", data, checkpoint = "best";
  std::optional<int64_t> fold;
  bool flips = false, again = false, json = false;
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

std::vector<train::Member> load(const Options& options) {
  Strings overrides;
  if (!options.data.empty())
    overrides = {"data.source=" + std::filesystem::absolute(options.data).string(),
                 "data.folds=", "data.subset.count=0"};
  if (options.fold) overrides.push_back("data.fold=" + std::to_string(*options.fold));
  std::vector<train::Member> members;
  for (const auto& run : options.runs)
    members.push_back(train::load_member(run, options.checkpoint, overrides));
  train::require_alike(members, train::Alike::samples);
  return members;
}

train::DataSetup load_data(const Options& options, const train::Setup& setup) {
  if (options.data.empty()) return train::load_data(setup.experiment, *setup.model);
  train::DataSetup data;
  data.set = data::read_regions(setup.experiment.data);
  data::require_targets(data.set, setup.model->numeric_targets());
  return data;
}

train::Evaluation evaluate(const train::EvaluationRequest& request, const train::DataSetup& data,
                           bool mean, train::Progress& progress) {
  const auto& setup = request.members[0].setup;
  const data::Sampler sampler(data.set, request.regions, setup.experiment.data,
                              setup.experiment.experiment.seed, false);
  train::EvaluateHooks hooks;
  hooks.tick = [&](int64_t done, int64_t total) { progress.bar(request.split, done, total, 0); };
  if (mean)
    hooks.answer = [&](const Named& inputs) {
      return train::answer(request.members, inputs, request.flips);
    };
  return train::evaluate(*setup.model, sampler, setup.compute, setup.experiment.train.batch, hooks);
}

struct Result {
  std::string id, name;
  bool repeated = false;  // found in the store
  std::map<std::string, double> metrics;
  Strings undefined;
};

void print(const Result& result, const train::EvaluationRequest& request, const Options& options) {
  const auto& first = request.members[0];
  if (options.json) {
    Strings members;
    for (const auto& member : request.members) members.push_back(member.run);
    fmt::print("{}\n", nlohmann::ordered_json{{"id", result.id},
                                              {"split", request.split},
                                              {"checkpoint", first.checkpoint},
                                              {"runs", members},
                                              {"flips", request.flips},
                                              {"repeated", result.repeated},
                                              {"regions", request.regions.size()},
                                              {"metrics", result.metrics}}
                           .dump(2));
    return;
  }
  fmt::print(stderr, "run {} ({}), {}, {}: {} regions\n", result.id, result.name, first.checkpoint,
             request.split, request.regions.size());
  if (result.repeated)
    fmt::print(stderr, "it was evaluated before; --again evaluates it once more\n");
  fmt::print("{}", report::run_table(result.metrics, request.split));
  for (const auto& text : result.undefined) fmt::print("not defined: {}\n", text);
}

Result run_of(const runs::Store& store, const std::string& id) {
  auto run = store.find(id);
  return {.id = id, .name = run.name, .metrics = std::move(run.metrics), .undefined = {}};
}

// What the run's own test is not, is a run of its own.
Result evaluate_apart(const train::EvaluationRequest& request, const train::DataSetup& data,
                      bool again, runs::Store& store, train::Progress& progress) {
  if (request.split != "train") train::require_unseen(request, data);
  const auto run = train::describe(request, data);
  if (const auto id = again ? std::nullopt : train::earlier(run, data)) {
    auto result = run_of(store, *id);
    result.repeated = true;
    return result;
  }
  const bool mean = request.members.size() > 1 || request.flips;
  const auto evaluation = evaluate(request, data, mean, progress);
  const auto& first = request.members[0];
  const auto id = store.begin(run);  // now, so that an interrupt leaves no half of it
  train::record_evaluation(store, id, request.split, first.step, first.epoch, evaluation);
  store.finish(id, "done");
  auto result = run_of(store, id);
  result.undefined = evaluation.undefined;
  return result;
}

Result evaluate_within(const train::EvaluationRequest& request, const train::DataSetup& data,
                       runs::Store& store, train::Progress& progress) {
  const auto& member = request.members[0];
  const auto evaluation = evaluate(request, data, false, progress);
  train::record_evaluation(store, member.run, request.split, member.step, member.epoch, evaluation);
  Result result{.id = member.run,
                .name = member.setup.experiment.experiment.name,
                .metrics = {},
                .undefined = evaluation.undefined};
  for (const auto& [key, value] : evaluation.metrics)
    result.metrics[request.split + "." + key] = value;
  return result;
}

void eval(const Options& options) {
  auto store = runs::Store::existing();
  train::EvaluationRequest request{
      .members = load(options), .flips = options.flips, .split = {}, .regions = {}};
  const auto& first = request.members[0];
  const auto data = load_data(options, first.setup);
  std::tie(request.regions, request.split) = regions(options, data);
  const bool other_fold = options.fold && *options.fold != runs::Reader().show(first.run).fold;
  train::Progress progress(stderr);
  const bool apart = request.members.size() > 1 || options.flips || other_fold;
  print(apart ? evaluate_apart(request, data, options.again, store, progress)
              : evaluate_within(request, data, store, progress),
        request, options);
}

}  // namespace

void add_eval(CLI::App& app) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand(
      "eval", "figures of a run, or of several runs' mean, on a split or on another ROI set");
  command
      ->add_option("run", options->runs,
                   "id, unique prefix of one, name (its newest) or @last; several: their mean")
      ->required();
  command->add_option("--split", options->split, "train, val or test")
      ->check(CLI::IsMember({"train", "val", "test"}));
  auto* data = command->add_option("--data", options->data, "another ROI set: all of its regions")
                   ->excludes("--split");
  command->add_option("--fold", options->fold, "another fold to test on; -1: those marked 'test'")
      ->excludes(data);
  command->add_flag("--flips", options->flips, "the mean over mirror images");
  command
      ->add_option("--checkpoint", options->checkpoint,
                   "best (the last one where there was no validation) or last")
      ->check(CLI::IsMember({"best", "last"}));
  command->add_flag("--again", options->again, "even if it was evaluated before");
  command->add_flag("--json", options->json, "one JSON document");
  command->callback([options] { eval(*options); });
}

}  // namespace hilum::cli
