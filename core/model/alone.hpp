// SPDX-License-Identifier: Apache-2.0
// One plugin by itself as a function of named tensors: `hilum forward`, parity tests, benchmarks.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hilum/plugin.hpp"

namespace hilum::model {

/// Inputs by name:                                         outputs by name:
///   backbone     x [N,C,H,W] or [N,C,D,H,W]                 one a stage: "S1", "C2"
///   fusion       a (replaced), b, c, ... (mixed in)         a
///   regularizer  u (logits), optional c (guide, N values)   z (logits)
///   head         x, or its features as a, b, ...; optional image   its outputs, "probability" too
class Alone {
 public:
  /// Built for features of the examples' shapes; only shapes are read. In train mode, as new.
  /// Throws Error (request): an input that is missing or that the kind does not have.
  Alone(const Plugin& plugin, const Values& options, const Named& examples);

  Named forward(const Named& inputs);
  /// Owns the parameters, by the names that they have in a model: "S1.conv1.weight", "sigma".
  torch::nn::Module& module() { return *module_; }
  /// Where a stage's parameters stand in published weights: {"C2", "layer1"}.
  const std::map<std::string, std::string>& aliases() const { return aliases_; }
  /// What the part logged in the last forward; with their graph after keep_graph(true).
  Named take_logs();
  void keep_graph(bool on);

 private:
  std::shared_ptr<torch::nn::Module> module_;
  std::function<Named(const Named&)> call_;
  std::map<std::string, std::string> aliases_;
};

/// Those of `given` that the plugin reads: a file may hold more.
Named inputs_of(const Plugin& plugin, const Values& options, const Named& given);
/// Options as text, read by their declared types: {"width", "8"}, {"layers", "1,2,1"}, {"learn",
/// "[\"sigma\"]"}. `where` stands before each in messages: "--set ".
Values options_of(const Plugin& plugin,
                  const std::vector<std::pair<std::string, std::string>>& texts,
                  const std::string& where = "");
/// Logs of all parts below a module, by their full names; with their graph after keep_graph.
Named take_logs(torch::nn::Module& module);
void keep_graph(torch::nn::Module& module, bool on);

}  // namespace hilum::model
