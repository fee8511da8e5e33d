// SPDX-License-Identifier: Apache-2.0
#include "core/model/model.hpp"

#include "core/model/autocast.hpp"

namespace hilum::model {
namespace {

// Losses, regularizers and predictions never see half precision: ten iterations in bfloat16 can be
// wrong by 0.4 in a logit.
Tensor full_precision(const Tensor& t) {
  const auto type = t.scalar_type();
  return type == at::kBFloat16 || type == at::kHalf ? t.to(at::kFloat) : t;
}

}  // namespace

Tensors Model::gather(const Op& op, std::vector<Tensor>& features, const Outputs& outputs) const {
  Tensors in;
  in.reserve(op.reads.size());
  for (const auto& read : op.reads) {
    const auto source = static_cast<size_t>(read.op);
    if (!read.output.empty()) {
      const auto& named = outputs.at(ops_[source].op.owner);
      const auto found = named.find(read.output);
      if (found == named.end()) {
        Strings known;
        for (const auto& [name, tensor] : named) known.push_back(name);
        throw Error(op.name + ": head '" + ops_[source].op.owner + "' has no output '" +
                        read.output + "'." + suggestion(read.output, known),
                    Fault::request);
      }
      in.push_back(found->second);
    } else if (read.last) {
      in.push_back(std::move(features[source]));
    } else {
      in.push_back(features[source]);
    }
  }
  return in;
}

void Model::run_head(const OpInfo& info, Tensors in, Outputs& outputs, bool autocast) {
  const auto& slot = heads_[head_of_[static_cast<size_t>(&info - ops_.data())]];
  Named named = slot.head->forward(in);
  Autocast off(false);
  if (autocast)
    for (auto& [name, tensor] : named) tensor = full_precision(tensor);
  if (slot.regularizer) {
    Tensor guide;
    if (slot.guide >= 0)
      guide = outputs.at(ops_[static_cast<size_t>(slot.guide)].op.owner).at("probability").detach();
    named["logits"] = slot.regularizer->forward(named.at("logits"), guide);
  }
  for (auto& [name, tensor] : slot.head->predict(named)) named[name] = tensor;
  outputs[slot.name] = std::move(named);
}

Outputs Model::forward(const Named& inputs, bool autocast) {
  Autocast scope(autocast);
  std::vector<Tensor> features(ops_.size());
  Outputs outputs;
  for (size_t i = 0; i < ops_.size(); ++i) {
    const Op& op = ops_[i].op;
    switch (op.kind) {
      case Op::Kind::input: {
        const auto found = inputs.find(op.owner);
        if (found == inputs.end())
          throw Error("the model reads the input '" + op.owner + "', which the data does not have",
                      Fault::request);
        features[i] = found->second;
        break;
      }
      case Op::Kind::stage:
      case Op::Kind::fusion:
        features[i] = calls_[i](gather(op, features, outputs));
        break;
      case Op::Kind::head:
        run_head(ops_[i], gather(op, features, outputs), outputs, autocast);
        break;
    }
  }
  return outputs;
}

Losses Model::loss(const Outputs& outputs, const Named& batch) {
  Autocast off(false);
  Losses losses;
  for (const auto& slot : heads_) {
    const Named& own = outputs.at(slot.name);
    Named terms = slot.head->loss(own, batch);
    if (slot.regularizer) terms.merge(slot.regularizer->loss(own.at("logits")));
    for (const auto& [name, term] : terms) {
      const Tensor weighted = slot.weight == 1 ? term : term * slot.weight;
      losses.total = losses.total.defined() ? losses.total + weighted : weighted;
      losses.terms[slot.name + "." + name] = term.detach();
    }
  }
  return losses;
}

void Model::train(bool on) {
  torch::nn::Module::train(on);
  for (auto& module : kept_in_eval_) module->train(false);
}

Strings Model::numeric_targets() const {
  Strings names;
  for (const auto& slot : heads_)
    for (const auto& output : slot.head->outputs())
      if (output.target != "mask" && output.target != "nodule_present" &&
          std::find(names.begin(), names.end(), output.target) == names.end())
        names.push_back(output.target);
  return names;
}

Named Model::take_logs() {
  Named all;
  for (const auto& [name, part] : parts_)
    for (auto& [key, value] : part->take_logs()) all[name + "." + key] = value;
  return all;
}

std::map<std::string, double> Model::lr_scales() const {
  std::map<std::string, double> all;
  for (const auto& item : named_modules("", false))
    if (const auto* part = dynamic_cast<const Part*>(item.value().get()))
      for (const auto& [key, scale] : part->lr_scales())
        if (scale != 1) all[item.key() + "." + key] = scale;
  return all;
}

}  // namespace hilum::model
