// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <torch/types.h>

#include <map>
#include <string>
#include <utility>

namespace hilum::train {

/// Sums of what the batches of an epoch log, by metric, in double.
class Sums {
 public:
  /// hold: tensors are summed where they are, in the same order, until fetch(): with a GPU no step
  /// waits for them. Without it, as it is faster on a CPU, their values are read at once.
  explicit Sums(bool hold = false) : hold_(hold) {}
  void add(const std::string& name, double value) { numbers_[name] += value; }
  /// A list, such as an energy per iteration, becomes one sum an element: name.0, name.1, ...
  void add(const std::string& name, const torch::Tensor& value);
  /// Brings what is held into numbers().
  void fetch();
  /// Without what is held.
  std::map<std::string, double>& numbers() { return numbers_; }

 private:
  torch::Tensor start(const std::string& name, const torch::Tensor& value) const;
  bool hold_;
  std::map<std::string, double> numbers_;
  std::map<std::pair<std::string, int64_t>, torch::Tensor> held_;  // by name and length; [length]
};

}  // namespace hilum::train
