// SPDX-License-Identifier: Apache-2.0
// The slots beside the backbone. A plugin derives from one; its constructor takes (const Options&,
// const Site&).
#pragma once
#include <string>
#include <vector>

#include "hilum/part.hpp"

namespace hilum {

/// in[0] is the feature that is replaced, in[1..] are mixed into it. `connect`: one instance a
/// receiver; `between`: one for each feature, all reading what was there before. All are
/// [N,C_i,...].
struct HILUM_API Fusion : Part {
  ~Fusion() override;
  /// Returns [N,C',...]: what every later consumer of in[0] sees.
  virtual Tensor forward(const Tensors& in) = 0;
  /// True: the features' spatial sizes may differ. False: a difference is an error before training.
  virtual bool any_size() const { return false; }
};

/// Logits in, logits out (so that losses stay numerically stable), both [N,K,...] float32.
/// site.in = {logits} or {logits, guide}.
struct HILUM_API Regularizer : Part {
  ~Regularizer() override;
  /// guide: [N,1] in [0,1], detached; undefined where there is none.
  virtual Tensor forward(const Tensor& logits, const Tensor& guide) = 0;
  /// Scalar terms by name that join the head's loss, from the rewritten logits: a penalty. Most
  /// have none.
  virtual Named loss(const Tensor& /*logits*/) { return {}; }
};

/// What a head's output is; from it the core knows metrics, predictions and guides.
enum class OutputKind { mask, binary, multilabel, ordinal, regression };

struct Output {
  OutputKind kind = OutputKind::mask;
  std::string target = "mask";              // a column of the data set, or "mask"
  std::string logits = "logits";            // names in what forward and predict return
  std::string probability = "probability";  // in [0,1]; a regression's value
  double threshold = 0.5;
};

struct HILUM_API Head : Part {
  ~Head() override;
  /// Features in (and other heads' outputs, if `on` asks), named outputs out. A regularizer
  /// rewrites "logits".
  virtual Named forward(const Tensors& in) = 0;
  /// After the regularizer: adds "probability", for metrics, guides and files.
  virtual Named predict(const Named& outputs) = 0;
  /// Scalar terms by name; their sum, times the head's weight, joins the total loss.
  /// batch: "mask" [N,1,...] 0/1, numeric targets [N,1] with NaN where unknown, and the inputs.
  virtual Named loss(const Named& outputs, const Named& batch) = 0;
  virtual std::vector<Output> outputs() const = 0;
  /// What metrics compare an output with: [N,1], 0 or 1 for a binary one, NaN where unknown. The
  /// target's column as it is, unless the head has a rule of its own (a threshold on a rating).
  virtual Tensor truth(const Output& output, const Named& batch) const {
    return batch.at(output.target);
  }
  /// True: the image that its backbone reads, [N,C,...], is appended to what forward gets, for a
  /// head that brings its logits to the image's size.
  virtual bool reads_image() const { return false; }
  /// The targets' columns of the training set, once before training: class weights.
  virtual void see_targets(const Named&) {}
};

}  // namespace hilum
