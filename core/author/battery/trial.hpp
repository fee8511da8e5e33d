// SPDX-License-Identifier: Apache-2.0
// What a check of the battery is written with.
#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/author/battery/subject.hpp"

namespace hilum::author {

/// A check that does not hold: what came out, and what to look at.
struct Wrong {
  std::string found, look;
};
/// A check that cannot be made here, and why.
struct Skipped {
  std::string why;
};

/// One plugin under one check.
class Trial {
 public:
  /// `alive` is told what is tried next: a sign of life, too.
  Trial(const Plugin& plugin, std::function<void(const std::string&)> alive)
      : part(plugin), alive_(std::move(alive)) {}

  /// What is tried from here on; it stands in the finding, whether the plugin throws or crashes.
  void trying(std::string what) {
    tried_ = std::move(what);
    alive_(tried_);
  }
  const std::string& tried() const { return tried_; }
  /// Throws Wrong unless it holds.
  void expect(bool holds, const std::string& found, const std::string& look) const {
    if (!holds) throw Wrong{found, look};
  }

  Subject small_one(const Setting& setting) const { return make(part, small(part), setting); }
  /// A side at which batch norms have something to average: twice the smallest.
  Size usual(int64_t dims) const;

  const Plugin& part;

 private:
  std::function<void(const std::string&)> alive_;
  std::string tried_;
};

/// What it gives in eval mode, without a graph.
Tensors evaluated(Subject& subject, const Tensors& inputs);
/// Throws Wrong where they differ by more than `tolerance`, relative and absolute; at 0, in a bit.
void expect_same(const Tensors& found, const Tensors& wanted, double tolerance,
                 const std::string& what, const std::string& look);
/// "[3,5]", of a tensor's or a region's sizes.
std::string sizes(c10::IntArrayRef shape);
/// Largest absolute difference, relative to the largest value of `wanted`.
double difference(const Tensor& found, const Tensor& wanted);

}  // namespace hilum::author
