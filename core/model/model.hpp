// SPDX-License-Identifier: Apache-2.0
// The assembled network: one torch module that runs stages, fusions and heads in order.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/config/experiment.hpp"
#include "core/model/wiring.hpp"
#include "core/plugins/loader.hpp"
#include "hilum/plugin.hpp"

namespace hilum::model {

/// Outputs by head and name: {"mask", {"logits", "probability", ...}}.
using Outputs = std::map<std::string, Named>;

struct Losses {
  Tensor total;  // scalar: sum over heads of weight * sum of terms
  Named terms;   // "mask.bce": scalars, detached
};

/// What was measured of one operation when it was built, for one sample.
struct OpInfo {
  Op op;
  std::string plugin;
  Shape shape;  // a head: of its logits, or its first output
  int64_t parameters = 0, macs = 0;
  int64_t activation_bytes = 0;  // of all tensors that its operations make, float32
};

class Model : public torch::nn::Module {
 public:
  /// inputs: "image" [N,C,H,W] or [N,C,D,H,W] float, and further inputs by name. With `autocast`,
  /// stages, fusions and heads compute in bfloat16 where torch deems it safe; regularizers and
  /// predictions stay in float32.
  Outputs forward(const Named& inputs, bool autocast = false);
  /// batch: targets and inputs. Computed without autocast.
  Losses loss(const Outputs& outputs, const Named& batch);

  /// Frozen parts stay in eval mode (their batch norms, if `freeze_norm`).
  void train(bool on = true) override;

  /// A head as the trainer and the evaluation see it.
  struct HeadSlot {
    std::string name;
    double weight = 1;
    std::shared_ptr<Head> head;
    std::shared_ptr<Regularizer> regularizer;  // may be null
    int guide = -1;                            // operation of the guiding head
  };
  const std::vector<HeadSlot>& heads() const { return heads_; }
  const std::vector<OpInfo>& ops() const { return ops_; }
  const Strings& unread() const { return unread_; }
  /// Where a stage's parameters stand in published weights: {"cls.C2", "layer1"}; "": without a
  /// prefix.
  const std::map<std::string, std::string>& aliases() const { return aliases_; }
  /// Columns that the heads learn from, without "mask" and the derived "nodule_present".
  Strings numeric_targets() const;
  /// Scalars that parts logged since the last call, by full name: "regularizer.mask.sigma".
  Named take_logs();
  /// Learning-rate factors by full parameter name; absent: 1.
  std::map<std::string, double> lr_scales() const;

 private:
  friend class Assembler;
  friend int64_t freeze(Model&, const Strings&, bool);
  Tensors gather(const Op& op, std::vector<Tensor>& features, const Outputs& outputs) const;
  void run_head(const OpInfo& info, Tensors in, Outputs& outputs, bool autocast);

  std::vector<OpInfo> ops_;
  std::vector<std::function<Tensor(Tensors)>> calls_;  // of stages and fusions, by operation
  std::vector<size_t> head_of_;                        // index into heads_, by operation
  std::vector<HeadSlot> heads_;
  std::vector<std::pair<std::string, std::shared_ptr<Part>>> parts_;
  std::vector<std::shared_ptr<torch::nn::Module>> kept_in_eval_;
  Strings unread_;
  std::map<std::string, std::string> aliases_;
};

/// Shapes of one sample's inputs by name, batch 1: {"image", [1,1,64,64]}.
using InputShapes = std::map<std::string, Shape>;
/// The image, its wider crops ("x2") and further images of one channel by their names.
InputShapes input_shapes(const config::DataOptions& data, const Strings& further = {});

/// Builds the modules in order, each measured once on zeros (batch 1, eval mode). The seed of a
/// part is made of the experiment's and its name, so that adding a part leaves the other parts'
/// initial weights alone. Throws Error (request) for sizes or channels that disagree, naming both
/// sides and both shapes.
std::shared_ptr<Model> assemble(const config::Experiment& experiment, plugins::Loader& plugins,
                                const InputShapes& inputs);

/// Switches off the gradients of the parameters that a pattern names: a stage ("seg.S1"), an
/// instance ("seg", "head.mask") or a glob over parameter names ("seg.*.norm1.*"). Returns how many
/// tensors. Throws Error (request) for a pattern that matches nothing.
int64_t freeze(Model& model, const Strings& patterns, bool freeze_norm);

}  // namespace hilum::model
