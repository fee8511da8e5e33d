// SPDX-License-Identifier: Apache-2.0
#include <fnmatch.h>

#include "core/model/model.hpp"

namespace hilum::model {
namespace {

bool matches(const std::string& pattern, const std::string& name) {
  return name == pattern || name.starts_with(pattern + ".") ||
         fnmatch(pattern.c_str(), name.c_str(), 0) == 0 ||
         fnmatch((pattern + ".*").c_str(), name.c_str(), 0) == 0;
}

}  // namespace

int64_t freeze(Model& model, const Strings& patterns, bool freeze_norm) {
  int64_t frozen = 0;
  for (const auto& pattern : patterns) {
    int64_t hits = 0;
    for (auto& item : model.named_parameters())
      if (matches(pattern, item.key())) item.value().set_requires_grad(false), ++hits;
    if (!hits) {
      Strings known;
      for (const auto& info : model.ops())
        if (info.parameters) known.push_back(info.op.name);
      throw Error("train.freeze: '" + pattern + "' matches no parameter." +
                      suggestion(pattern, known) +
                      (known.size() < 10 ? "" : " Stages: " + join(known, ", ") + "."),
                  Fault::request);
    }
    frozen += hits;
  }
  if (freeze_norm)
    for (const auto& module : model.modules(false)) {
      const auto own = module->parameters(false);
      const bool all = !own.empty() && std::none_of(own.begin(), own.end(), [](const Tensor& p) {
        return p.requires_grad();
      });
      if (all) model.kept_in_eval_.push_back(module);
    }
  model.train(model.is_training());
  return frozen;
}

}  // namespace hilum::model
