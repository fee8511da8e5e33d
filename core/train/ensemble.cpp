// SPDX-License-Identifier: Apache-2.0
#include "core/train/ensemble.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <set>

#include "core/model/weights.hpp"
#include "core/runs/queries.hpp"
#include "core/train/checkpoint.hpp"

namespace hilum::train {
namespace {

Strings names_of_answers(const model::Model& model) {
  Strings all;
  for (const auto& slot : model.heads())
    for (const auto& output : slot.head->outputs()) all.push_back(slot.name + "." + output.target);
  std::ranges::sort(all);
  return all;
}

// What a region looks like to a run.
std::string text_of(const config::DataOptions& o, Alike alike) {
  std::string text = "data.view = " + o.view + ", dims = " + std::to_string(o.dims) +
                     ", roi = " + to_text(o.roi) + ", spacing = " + to_text(o.spacing) +
                     ", fill = " + to_text(o.fill);
  if (alike == Alike::samples)
    text += ", window = " + to_text(o.window) + ", channels = " + join(o.channels, " ") +
            ", crops = " + to_text(o.crops) + ", slic = " + std::to_string(o.slic_grid) + " " +
            to_text(o.slic_compactness) + " " + std::to_string(o.slic_iterations) +
            ", consensus = " + to_text(o.consensus) + ", malignancy = " + o.malignancy;
  return text;
}

// Each subset of the sample's axes, the empty one first.
std::vector<std::vector<int64_t>> mirrors(int64_t dims) {
  std::vector<std::vector<int64_t>> all;
  for (int64_t bits = 0; bits < (int64_t{1} << dims); ++bits) {
    std::vector<int64_t> axes;
    for (int64_t a = 0; a < dims; ++a)
      if (bits >> a & 1) axes.push_back(a + 2);
    all.push_back(axes);
  }
  return all;
}

Named mirrored(const Named& inputs, const std::vector<int64_t>& axes, int64_t dims) {
  if (axes.empty()) return inputs;
  Named seen = inputs;
  for (auto& [name, tensor] : seen)
    if (tensor.dim() == dims + 2) tensor = tensor.flip(axes);
  return seen;
}

void add(model::Outputs& sum, const std::string& head, const std::string& name,
         const Tensor& more) {
  Tensor& into = sum[head][name];
  into = into.defined() ? into + more : more;
}

void divide(model::Outputs& sum, size_t count) {
  if (count == 1) return;
  for (auto& [head, outputs] : sum)
    for (auto& [name, tensor] : outputs) tensor = tensor / static_cast<double>(count);
}

}  // namespace

Member load_member(const std::string& run, const std::string& checkpoint,
                   const Strings& overrides) {
  const auto found = runs::Reader().show(run);
  Member member{.run = found.id, .checkpoint = {}, .setup = {}};
  const auto file = checkpoint_file(found.folder, checkpoint);
  if (std::ranges::find(found.tags, "evaluation") != found.tags.end())
    throw Error("run " + found.id + " (" + found.name +
                    ") is an evaluation and has no weights. Name the runs that it evaluates: "
                    "hilum runs show " +
                    found.id,
                Fault::request);
  if (!std::filesystem::exists(file))
    throw Error("run " + found.id + " (" + found.status + ") has no checkpoint yet",
                Fault::request);
  member.checkpoint = file.filename().string();
  member.setup = prepare(config::Document::load(found.folder / "config.toml", overrides));
  const auto saved = Checkpoint::load(file);
  member.step = saved.step, member.epoch = saved.epoch;
  const auto report = model::load_state(*member.setup.model, saved.weights());
  if (!report.missing.empty() || !report.mismatched.empty())
    throw Error(file.string() + ": does not fit the model: " +
                join(report.missing.empty() ? report.mismatched : report.missing, ", "));
  place(*member.setup.model, member.setup.compute);
  member.setup.model->eval();
  return member;
}

void require_alike(const std::vector<Member>& members, Alike alike) {
  const auto& first = members.at(0);
  const auto region = text_of(first.setup.experiment.data, alike);
  const auto answers = names_of_answers(*first.setup.model);
  std::set<std::string> seen;
  for (const auto& member : members) {
    if (!seen.insert(member.run).second)
      throw Error("run " + member.run + " stands in the ensemble twice.", Fault::request);
    if (const auto other = text_of(member.setup.experiment.data, alike); other != region)
      throw Error("an ensemble's runs see the same regions, but run " + first.run + " has " +
                      region + " and run " + member.run + " has " + other + ".",
                  Fault::request);
    if (const auto other = names_of_answers(*member.setup.model); other != answers)
      throw Error("an ensemble's runs have the same heads, but run " + first.run + " answers " +
                      join(answers, ", ") + " and run " + member.run + " answers " +
                      join(other, ", ") + ".",
                  Fault::request);
  }
}

model::Outputs answer(const Setup& setup, const Named& inputs, bool flips) {
  const torch::InferenceMode no_grad;
  const int64_t dims = setup.experiment.data.dims;
  const Named placed = place(inputs, setup.compute);
  const auto turns = mirrors(flips ? dims : 0);
  model::Outputs sum;
  for (const auto& axes : turns) {
    const auto outputs = setup.model->forward(mirrored(placed, axes, dims), setup.compute.bfloat16);
    for (const auto& slot : setup.model->heads())
      for (const auto& output : slot.head->outputs()) {
        const bool mask = output.kind == OutputKind::mask;
        const Tensor p = outputs.at(slot.name)
                             .at(output.probability)
                             .to(torch::kCPU, mask ? torch::kFloat : torch::kDouble);
        add(sum, slot.name, output.probability, mask && !axes.empty() ? p.flip(axes) : p);
      }
  }
  divide(sum, turns.size());
  return sum;
}

model::Outputs answer(const std::vector<Member>& members, const Named& inputs, bool flips) {
  model::Outputs sum;
  for (const auto& member : members)
    for (const auto& [head, outputs] : answer(member.setup, inputs, flips))
      for (const auto& [name, tensor] : outputs) add(sum, head, name, tensor);
  divide(sum, members.size());
  return sum;
}

}  // namespace hilum::train
