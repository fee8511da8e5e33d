// SPDX-License-Identifier: Apache-2.0
// Runs as predictors: what they have to answer and to read, one batch's answer.
#include <torch/torch.h>

#include <algorithm>

#include "core/predict/predict.hpp"

namespace hilum::predict {
namespace {

using Answers = std::vector<std::pair<std::string, Output>>;

Answers outputs_of(const model::Model& model) {
  Answers all;
  for (const auto& slot : model.heads())
    for (const auto& output : slot.head->outputs()) all.emplace_back(slot.name, output);
  return all;
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

}  // namespace

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
  train::require_alike(members_, train::Alike::regions);
  for (const auto& member : members_) require_one_image(member);
  if (settings_.depth && members_[0].setup.experiment.data.dims != 2)
    throw Error("--depth: run " + members_[0].run +
                    " works on whole regions (data.dims = 3), whose depth is data.roi's. Leave it "
                    "out.",
                Fault::request);
}

Predictor::Answer Predictor::ask(const Member& member, const Named& inputs) const {
  const auto outputs = train::answer(member.setup, inputs, settings_.flips);
  Answer answer{outputs.at(head_).at(mask_.probability), {}};
  for (const auto& [head, output] : values_)
    answer.values.push_back(outputs.at(head).at(output.probability).flatten());
  return answer;
}

}  // namespace hilum::predict
