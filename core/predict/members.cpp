// SPDX-License-Identifier: Apache-2.0
// Runs as predictors: loading, what an ensemble's runs have to share, one batch's answer.
#include <torch/torch.h>

#include <algorithm>
#include <set>

#include "core/model/weights.hpp"
#include "core/predict/predict.hpp"
#include "core/runs/queries.hpp"
#include "core/train/checkpoint.hpp"

namespace hilum::predict {
namespace {

using Answers = std::vector<std::pair<std::string, Output>>;

Answers outputs_of(const model::Model& model) {
  Answers all;
  for (const auto& slot : model.heads())
    for (const auto& output : slot.head->outputs()) all.emplace_back(slot.name, output);
  return all;
}

Strings names(const Answers& answers) {
  Strings all;
  for (const auto& [head, output] : answers) all.push_back(head + "." + output.target);
  std::ranges::sort(all);
  return all;
}

// What a region looks like to a run, where an ensemble has to agree.
std::string region_of(const config::DataOptions& o) {
  return "data.view = " + o.view + ", dims = " + std::to_string(o.dims) +
         ", roi = " + to_text(o.roi) + ", spacing = " + to_text(o.spacing) +
         ", fill = " + to_text(o.fill);
}

// A wider crop is cut from the scan as the image is.
bool is_crop(const config::DataOptions& o, const std::string& input) {
  return std::ranges::any_of(o.crops,
                             [&](int64_t factor) { return input == "x" + std::to_string(factor); });
}

void require_one_image(const Member& member) {
  for (const auto& info : member.setup.model->ops())
    if (info.op.kind == model::Op::Kind::input && info.op.owner != "image" &&
        !is_crop(member.setup.experiment.data, info.op.owner))
      throw Error("run " + member.run + " reads the input '" + info.op.owner +
                      "' beside the image; a scan does not have it. Evaluate such a run on a ROI "
                      "set with a column image_" +
                      info.op.owner + ": hilum eval --data DIR.",
                  Fault::request);
}

// Each subset of the sample's axes, the empty one first.
std::vector<std::vector<int64_t>> flips(int64_t dims) {
  std::vector<std::vector<int64_t>> all;
  for (int64_t bits = 0; bits < (int64_t{1} << dims); ++bits) {
    std::vector<int64_t> axes;
    for (int64_t a = 0; a < dims; ++a)
      if (bits >> a & 1) axes.push_back(a + 2);
    all.push_back(axes);
  }
  return all;
}

}  // namespace

Member load_member(const std::string& run, const std::string& checkpoint) {
  const auto found = runs::Reader().show(run);
  Member member{.run = found.id, .checkpoint = {}, .setup = {}};
  const auto file = train::checkpoint_file(found.folder, checkpoint);
  if (!std::filesystem::exists(file))
    throw Error("run " + found.id + " (" + found.status + ") has no checkpoint yet",
                Fault::request);
  member.checkpoint = file.filename().string();
  member.setup = train::prepare(config::Document::load(found.folder / "config.toml", {}));
  const auto report = model::load_state(*member.setup.model, train::Checkpoint::load(file).model);
  if (!report.missing.empty() || !report.mismatched.empty())
    throw Error(file.string() + ": does not fit the model: " +
                join(report.missing.empty() ? report.mismatched : report.missing, ", "));
  train::place(*member.setup.model, member.setup.compute);
  member.setup.model->eval();
  return member;
}

Predictor::Predictor(std::vector<Member> members, Settings settings)
    : members_(std::move(members)), settings_(std::move(settings)) {
  if (members_.empty()) throw Error("no run to predict with.", Fault::request);
  const auto answers = outputs_of(*members_[0].setup.model);
  Strings masks;
  for (const auto& [head, output] : answers) {
    if (output.kind != OutputKind::mask) {
      values_.emplace_back(head, output);
      continue;
    }
    if (head_.empty() && (settings_.head.empty() || settings_.head == head))
      head_ = head, mask_ = output;
    masks.push_back(head);
  }
  if (masks.empty())
    throw Error("run " + members_[0].run +
                    " has no head that makes a mask. Its other answers are in hilum eval.",
                Fault::request);
  if (head_.empty())
    throw Error("--head: value '" + settings_.head + "': run " + members_[0].run +
                    " has no such mask head." + suggestion(settings_.head, masks),
                Fault::request);
  check_members();
  if (settings_.depth && members_[0].setup.experiment.data.dims != 2)
    throw Error("--depth: run " + members_[0].run +
                    " works on whole regions (data.dims = 3), whose depth is data.roi's. Leave it "
                    "out.",
                Fault::request);
}

void Predictor::check_members() {
  const auto& first = members_[0];
  const auto region = region_of(first.setup.experiment.data);
  const auto answers = names(outputs_of(*first.setup.model));
  std::set<std::string> seen;
  for (const auto& member : members_) {
    require_one_image(member);
    if (!seen.insert(member.run).second)
      throw Error("run " + member.run + " stands in the ensemble twice.", Fault::request);
    if (const auto other = region_of(member.setup.experiment.data); other != region)
      throw Error("an ensemble's runs see the same regions, but run " + first.run + " has " +
                      region + " and run " + member.run + " has " + other + ".",
                  Fault::request);
    if (const auto other = names(outputs_of(*member.setup.model)); other != answers)
      throw Error("an ensemble's runs have the same heads, but run " + first.run + " answers " +
                      join(answers, ", ") + " and run " + member.run + " answers " +
                      join(other, ", ") + ".",
                  Fault::request);
  }
}

Predictor::Answer Predictor::ask(Member& member, const Named& inputs) const {
  const torch::InferenceMode no_grad;
  auto& [experiment, plugins, model, compute] = member.setup;
  const Named placed = train::place(inputs, compute);
  const auto turns = settings_.flips ? flips(experiment.data.dims) : flips(0);
  Answer sum;
  const auto add = [](Tensor& into, const Tensor& more) {
    into = into.defined() ? into + more : more;
  };
  sum.values.resize(values_.size());
  for (const auto& axes : turns) {
    Named seen = placed;
    if (!axes.empty())
      for (auto& [name, tensor] : seen)
        if (tensor.dim() == experiment.data.dims + 2) tensor = tensor.flip(axes);
    const auto outputs = model->forward(seen, compute.bfloat16);
    Tensor mask = outputs.at(head_).at(mask_.probability).to(torch::kCPU, torch::kFloat);
    add(sum.mask, axes.empty() ? mask : mask.flip(axes));
    for (size_t v = 0; v < values_.size(); ++v)
      add(sum.values[v], outputs.at(values_[v].first)
                             .at(values_[v].second.probability)
                             .to(torch::kCPU, torch::kDouble)
                             .flatten());
  }
  if (turns.size() == 1) return sum;
  const auto count = static_cast<double>(turns.size());
  sum.mask = sum.mask / count;
  for (auto& value : sum.values) value = value / count;
  return sum;
}

}  // namespace hilum::predict
