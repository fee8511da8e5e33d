// SPDX-License-Identifier: Apache-2.0
// Any plugin as a function of tensors, whatever its kind.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hilum/plugin.hpp"

namespace hilum::author {

using Size = std::vector<int64_t>;  // [H,W] or [D,H,W]

/// Options that keep a network small where it has them: `width` 4; and `depth` 3 and one block in
/// each of `layers` as well. Others as they are.
Values narrow(const Plugin& plugin);
Values small(const Plugin& plugin);

struct Subject {
  std::shared_ptr<torch::nn::Module> module;
  /// Everything it gives: a backbone its stages in order, a head its outputs by name. Only numbers
  /// with a fraction.
  std::function<Tensors(const Tensors&)> run;
  /// What training would follow: a head's losses; else the outputs that nothing reads, weighted so
  /// that no part of them cancels.
  std::function<Tensor(const Tensors&)> loss;
  Tensors inputs;          // [N,C,...] each; a regularizer's second one is its guide [N,1]
  size_t learns_from = 0;  // how many of the inputs it must pass gradients to
};

struct Setting {
  Size size;
  int64_t batch = 2;
  uint64_t seed = 0;
  bool guided = true;  // regularizers
  int64_t second = 6;  // channels of the feature that a fusion mixes in; the replaced one has 6
  Size other = {};     // that feature's size; a head's image's; empty: `size`
};
/// In train mode, as new. Throws Error (plugin) where the factory gives nothing.
Subject make(const Plugin& plugin, const Values& options, const Setting& setting);
/// A head's targets: masks, classes, numbers. With `known` false, numbers are NaN.
Named targets(const Head& head, const Size& size, int64_t batch, bool known = true);

/// Smallest side that a plugin can compute at: a power of two, at most 64.
int64_t smallest(const Plugin& plugin, const Values& options, int64_t dims);

}  // namespace hilum::author
