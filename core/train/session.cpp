// SPDX-License-Identifier: Apache-2.0
#include "core/train/session.hpp"

#include <fmt/core.h>
#include <torch/torch.h>

#include "core/data/roi_set.hpp"
#include "core/model/published.hpp"
#include "core/model/weight_file.hpp"
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
  setup.model = model::assemble(setup.experiment, *setup.plugins, input_shapes(setup.experiment));
  return setup;
}

model::InputShapes input_shapes(const config::Experiment& experiment) {
  const auto& data = experiment.data;
  return model::input_shapes(
      data, data.source == "phantom" ? Strings{} : data::further_images(data.source));
}

DataSetup load_data(const config::Experiment& experiment, const model::Model& model) {
  DataSetup data{.set = data::read_regions(experiment.data), .split = {}, .warnings = {}};
  data::require_targets(data.set, model.numeric_targets());
  data.split = data::make_split(data.set, experiment.data, experiment.experiment.seed);
  if (experiment.data.subset_count > 0)
    data.split.text = data.set.notes.back() + "; " + data.split.text;
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
        .weights();
  }
  const std::filesystem::path file(source);
  if (!std::filesystem::exists(file))
    throw Error("init: value '" + source +
                    "': no such file. Allowed: run:RUN, or a file of weights (.safetensors, a "
                    "state dict that PyTorch saved, a checkpoint)",
                Fault::request);
  return model::read_weight_file(file);
}

namespace {

std::string first_few(const Strings& names) {
  const Strings first(names.begin(),
                      names.begin() + std::min<std::ptrdiff_t>(5, std::ssize(names)));
  return join(first, ", ") + (names.size() > first.size() ? ", ..." : "");
}

[[noreturn]] void nothing_fits(const std::string& source, const std::string& prefix,
                               const model::LoadReport& report) {
  std::string text = fmt::format("init '{}': none of its tensors fits{}", source,
                                 prefix.empty() ? std::string() : " under '" + prefix + "'");
  if (!report.mismatched.empty()) text += "; of another shape: " + first_few(report.mismatched);
  if (!report.missing.empty()) text += "; wanted: " + first_few(report.missing);
  if (!report.left_over.empty()) text += "; there: " + first_few(report.left_over);
  throw Error(text, Fault::request);
}

std::string copy(model::Model& model, const std::string& source, const std::string& prefix) {
  const auto report = model::load_published(model, model.aliases(), read_weights(source), prefix);
  if (!report.copied) nothing_fits(source, prefix, report);
  std::string text = fmt::format("init '{}': {} tensors copied", source, report.copied);
  const auto list = [&](const char* what, const Strings& names) {
    if (!names.empty()) text += fmt::format("; {} {}: {}", names.size(), what, first_few(names));
  };
  list("adapted", report.adapted);
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
