// SPDX-License-Identifier: Apache-2.0
#include "core/train/session.hpp"

#include <fmt/core.h>
#include <torch/torch.h>

#include "core/model/safetensors.hpp"
#include "core/model/weights.hpp"
#include "core/runs/queries.hpp"
#include "core/train/checkpoint.hpp"

namespace hilum::train {

std::pair<config::Experiment, std::shared_ptr<plugins::Loader>> read_experiment(
    const config::Document& document) {
  std::shared_ptr<plugins::Loader> loader;
  auto experiment = config::read(document, [&](const config::PluginOptions& options) {
    loader = plugins::loader_for(options, document.file);
    return plugins::loaded_lookup(loader);
  });
  return {std::move(experiment), std::move(loader)};
}

Setup prepare(const config::Document& document) {
  Setup setup;
  std::tie(setup.experiment, setup.plugins) = read_experiment(document);
  setup.compute = make_compute(setup.experiment.train);
  setup.model =
      model::assemble(setup.experiment, *setup.plugins, model::input_shapes(setup.experiment.data));
  return setup;
}

DataSetup load_data(const config::Experiment& experiment, const model::Model& model) {
  DataSetup data{.set = data::read_regions(experiment.data), .split = {}, .warnings = {}};
  data::require_targets(data.set, model.numeric_targets());
  data.split = data::make_split(data.set, experiment.data, experiment.experiment.seed);
  data.warnings = data::check_leakage(data.set, data.split, experiment.data);
  return data;
}

void show_targets(model::Model& model, const DataSetup& data) {
  Named columns;
  for (const auto& name : model.numeric_targets()) {
    std::vector<float> values;
    for (const auto i : data.split.train)
      values.push_back(static_cast<float>(data.set.regions[i].targets.at(name)));
    columns[name] = torch::tensor(values).unsqueeze(1);
  }
  for (const auto& slot : model.heads()) slot.head->see_targets(columns);
}

std::filesystem::path checkpoint_file(const std::filesystem::path& run_folder,
                                      const std::string& which) {
  const auto best = run_folder / "best.pt";
  return which == "best" && std::filesystem::exists(best) ? best : run_folder / "last.pt";
}

std::map<std::string, Tensor> read_weights(const std::string& source) {
  if (source.starts_with("run:")) {
    const runs::Reader reader;  // a wrong name makes no store
    return Checkpoint::load(
               checkpoint_file(reader.folder() / reader.find(source.substr(4)), "best"))
        .model;
  }
  if (source.starts_with("experiment:"))
    throw Error("train.init: value '" + source +
                    "': an experiment is not trained on demand here; run it first, then "
                    "name the run: run:NAME",
                Fault::request);
  const std::filesystem::path file(source);
  if (!std::filesystem::exists(file))
    throw Error("init: value '" + source +
                    "': no such file. Allowed: run:RUN, a .safetensors file, a checkpoint (.pt)",
                Fault::request);
  return file.extension() == ".safetensors" ? model::read_safetensors(file)
                                            : Checkpoint::load(file).model;
}

namespace {

std::string copy(model::Model& model, const std::string& source, const std::string& prefix) {
  const auto report = model::load_state(model, read_weights(source), prefix);
  if (!report.copied)
    throw Error(fmt::format("init '{}': none of its tensors fits{}", source,
                            prefix.empty() ? std::string() : " under '" + prefix + "'"),
                Fault::request);
  std::string text = fmt::format("init '{}': {} tensors copied", source, report.copied);
  const auto list = [&](const char* what, const Strings& names) {
    if (names.empty()) return;
    const Strings first(names.begin(),
                        names.begin() + std::min<std::ptrdiff_t>(5, std::ssize(names)));
    text += fmt::format("; {} {}: {}{}", names.size(), what, join(first, ", "),
                        names.size() > 5 ? ", ..." : "");
  };
  list("not in it", report.missing);
  list("left over", report.left_over);
  list("of another shape", report.mismatched);
  return text;
}

}  // namespace

Strings initialise(Setup& setup) {
  Strings notes;
  const auto& e = setup.experiment;
  if (!e.train.init.empty()) notes.push_back(copy(*setup.model, e.train.init, ""));
  const auto part = [&](const config::Part& p, const std::string& prefix) {
    if (!p.init.empty()) notes.push_back(copy(*setup.model, p.init, prefix));
  };
  for (const auto& p : e.backbones) part(p, p.name + ".");
  for (const auto& p : e.fusions) part(p, "fusion." + p.name + ".");
  for (const auto& p : e.heads) {
    part(p, "head." + p.name + ".");
    if (p.regularizer) part(*p.regularizer, "regularizer." + p.name + ".");
  }
  return notes;
}

}  // namespace hilum::train
