// SPDX-License-Identifier: Apache-2.0
#include "core/train/record.hpp"

#include <torch/version.h>

#include "core/util/machine.hpp"
#include "core/util/sha256.hpp"

namespace hilum::train {

std::vector<runs::PluginUse> plugin_uses(const plugins::Loader& loader) {
  std::vector<runs::PluginUse> uses;
  for (const auto& p : loader.loaded())
    uses.push_back({p.kind, p.name, p.version, p.sha256, p.build});
  return uses;
}

runs::NewRun describe(const Setup& setup) {
  const auto& e = setup.experiment;
  runs::NewRun run{.name = e.experiment.name,
                   .experiment = e.file.string(),
                   .seed = e.experiment.seed,
                   .fold = e.data.fold};
  if (e.train.init.starts_with("run:")) run.parent = runs::Store().find(e.train.init.substr(4)).id;
  run.git = util::git_commit();
  run.dirty = !run.git.empty() && util::git_dirty();
  run.host = util::host_name();
  run.device = setup.compute.device.str();
  run.precision = setup.compute.precision();
  run.torch = TORCH_VERSION;
  run.config_hash = e.hash();
  run.note = e.experiment.note;
  for (const auto& [key, value] : e.parameters)
    run.params.push_back({key, to_text(value), type_name(value)});
  run.params.push_back({"resolved.threads", std::to_string(setup.compute.threads), "integer"});
  run.params.push_back({"resolved.program", util::sha256_program(), "string"});
  int64_t parameters = 0;
  for (const auto& p : setup.model->parameters()) parameters += p.numel();
  run.params.push_back({"resolved.parameters", std::to_string(parameters), "integer"});
  run.plugins = plugin_uses(*setup.plugins);
  run.tags = setup.tags;
  if (e.data.split == "lesion") run.tags.push_back("lesion-split");
  if (e.data.source == "phantom") run.tags.push_back("phantom");
  run.config = e.document.to_toml();
  return run;
}

void record_data(runs::Store& store, const std::string& id, const DataSetup& data) {
  const auto count = [](size_t n) { return std::to_string(n); };
  store.add_params(id, std::vector<runs::NewRun::Param>{
                           {"resolved.data", data.set.name, "string"},
                           {"resolved.fingerprint", data.set.fingerprint, "string"},
                           {"resolved.train_regions", count(data.split.train.size()), "integer"},
                           {"resolved.val_regions", count(data.split.val.size()), "integer"},
                           {"resolved.test_regions", count(data.split.test.size()), "integer"}});
}

void record_evaluation(runs::Store& store, const std::string& id, const std::string& split,
                       int64_t step, int64_t epoch, const Evaluation& evaluation) {
  std::vector<runs::Metric> rows;
  for (const auto& [name, value] : evaluation.metrics)
    rows.push_back({step, epoch, split, name, value});
  store.log_evaluation(id, split, rows, evaluation.cases);
}

}  // namespace hilum::train
