// SPDX-License-Identifier: Apache-2.0
#include "core/train/evaluation_run.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "core/runs/again/match.hpp"
#include "core/util/sha256.hpp"

namespace hilum::train {
namespace {

std::string name_of(const EvaluationRequest& request) {
  const auto& e = request.members[0].setup.experiment;
  const auto& name = e.experiment.name;
  if (request.members.size() > 1) return name + "-ensemble";
  if (request.flips) return name + "-flips";
  return name + (e.data.fold < 0 ? "-test" : "-fold" + std::to_string(e.data.fold));
}

Strings ids(const std::vector<Member>& members) {
  Strings all;
  for (const auto& member : members) all.push_back(member.run);
  return all;
}

// The order of the members changes nothing but rounding. Their steps: a run may have gone on since.
std::string hash_of(const EvaluationRequest& request,
                    const std::vector<runs::NewRun::Param>& data) {
  Strings members;
  for (const auto& member : request.members)
    members.push_back(member.run + " " + member.checkpoint + " " + std::to_string(member.step));
  std::ranges::sort(members);
  std::string text =
      "evaluation\n" + join(members, "\n") + (request.flips ? "\nflips\n" : "\n") + request.split;
  for (const auto& param : data)
    if (param.key != "data.workers") text += "\n" + param.key + " = " + param.value;
  return util::sha256(text);
}

// The options that make a set, sides of a split aside.
std::string set_key(const config::Experiment& experiment) {
  std::string text;
  for (const auto& [key, value] : experiment.parameters)
    if (key.starts_with("data.") && key != "data.fold" && key != "data.val")
      text += key + " = " + to_text(value) + "\n";
  return text;
}

void compare(const Member& member, const data::RegionSet& set, const std::vector<size_t>& seen,
             const EvaluationRequest& request, const DataSetup& data, const char* how) {
  std::set<std::string> pixels, ids;
  for (const size_t i : seen) {
    pixels.insert(set.regions[i].pixel_hash);
    if (set.fingerprint == data.set.fingerprint) ids.insert(set.regions[i].id);
  }
  pixels.erase("");
  for (const size_t i : request.regions) {
    const auto& region = data.set.regions[i];
    if (ids.contains(region.id) || pixels.contains(region.pixel_hash))
      throw Error("run " + member.run + " was " + how + " region '" + region.id +
                      "', which is evaluated now. Evaluate on regions that no run has seen, such "
                      "as --fold -1, or leave the run out.",
                  Fault::data);
  }
}

}  // namespace

runs::NewRun describe(const EvaluationRequest& request, const DataSetup& data) {
  const auto& first = request.members[0];
  auto run = describe(first.setup);
  run.name = name_of(request);
  run.parent = first.run;
  run.tags.emplace_back("evaluation");
  std::erase_if(run.params, [](const auto& param) { return !param.key.starts_with("data."); });
  run.config_hash = hash_of(request, run.params);
  run.params.push_back({"evaluation.runs", join(ids(request.members), " "), "string"});
  run.params.push_back({"evaluation.flips", request.flips ? "true" : "false", "boolean"});
  run.params.push_back({"evaluation.checkpoint", first.checkpoint, "string"});
  run.params.push_back({"resolved.data", data.set.name, "string"});
  run.params.push_back({"resolved.fingerprint", data.set.fingerprint, "string"});
  run.params.push_back(
      {"resolved.test_regions", std::to_string(request.regions.size()), "integer"});
  for (const auto& member : request.members)
    for (const auto& use : plugin_uses(*member.setup.plugins))
      if (std::ranges::none_of(run.plugins, [&](const auto& known) {
            return known.kind == use.kind && known.name == use.name;
          }))
        run.plugins.push_back(use);
  return run;
}

std::optional<std::string> earlier(const runs::NewRun& run, const DataSetup& data) {
  const auto match = runs::find_work(
      runs::Reader(), {run.config_hash, run.plugins, data.set.fingerprint, {}}, run.params);
  if (match.kind != runs::Match::Kind::done) return {};
  return match.run;
}

void require_unseen(const EvaluationRequest& request, const DataSetup& data) {
  std::string key;
  DataSetup own;
  for (const auto& member : request.members) {
    const auto found = runs::Reader().show(member.run);  // its own fold, not the evaluation's
    const auto [experiment, plugins] =
        read_experiment(config::Document::load(found.folder / "config.toml", {}));
    if (const auto next = set_key(experiment); next != key)
      own.set = data::read_regions(experiment.data), key = next;
    const auto split = data::make_split(own.set, experiment.data, experiment.experiment.seed);
    compare(member, own.set, split.train, request, data, "trained on");
    if (request.split != "val")
      compare(member, own.set, split.val, request, data, "chosen by its figures on");
  }
}

}  // namespace hilum::train
