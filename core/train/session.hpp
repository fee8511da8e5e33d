// SPDX-License-Identifier: Apache-2.0
// What run, resume, eval and plan share: from a document to a checked experiment with its model and
// data.
#pragma once
#include <memory>
#include <string>

#include "core/config/experiment.hpp"
#include "core/data/samples.hpp"
#include "core/model/model.hpp"
#include "core/train/compute.hpp"

namespace hilum::train {

/// Checked and assembled; no data read yet, nothing recorded. Whatever is wrong up to here is a
/// wrong request.
struct Setup {
  config::Experiment experiment;
  std::shared_ptr<plugins::Loader> plugins;
  std::shared_ptr<model::Model> model;
  Compute compute;
  Strings tags = {};  // that the run gets, beside those that its data earn
};
/// Reads the experiment with its plugins loaded: their own rules are checked too.
std::pair<config::Experiment, std::shared_ptr<plugins::Loader>> read_experiment(
    const config::Document& document);
Setup prepare(const config::Document& document);
/// What a sample of the experiment has: the image, its crops, the set's columns image_<name>. Of
/// the data only that heading is read.
model::InputShapes input_shapes(const config::Experiment& experiment);

/// The experiment's regions and their sides. Throws Error (data): unreadable data, targets that are
/// missing, leakage.
struct DataSetup {
  data::RegionSet set;
  data::Split split;
  Strings warnings;
};
DataSetup load_data(const config::Experiment& experiment, const model::Model& model);

/// Shows each head the training regions' target columns, once: class weights.
void show_targets(model::Model& model, const DataSetup& data);

/// Weights of a run ("run:ID") or of a file (model::read_weight_file), by the names they have
/// there.
std::map<std::string, Tensor> read_weights(const std::string& source);
/// train.init, then each part's own init. Returns sentences on what was copied and what was not.
Strings initialise(Setup& setup);

/// best.pt or last.pt of a run; without a best (no validation) the last one.
std::filesystem::path checkpoint_file(const std::filesystem::path& run_folder,
                                      const std::string& which);

}  // namespace hilum::train
