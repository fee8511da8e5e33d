// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <map>
#include <string>

namespace hilum::train {

/// Digests of tensors by name: their names, types, shapes and bytes, whatever device they are on.
/// Nothing is copied but what lies on a GPU or with gaps.
class TensorDigest {
 public:
  /// Shares the tensors' memory: what is asked for later is of the values then.
  explicit TensorDigest(std::map<std::string, torch::Tensor> tensors);
  /// Of all of them: 16 hexadecimal digits.
  std::string whole() const;
  /// Of a part of at most 4 MiB, so that a step of a large model does not wait to be recorded. The
  /// parts take turns: "3/30:" and the digits, for the third of thirty. Where all of them are not
  /// more, whole().
  std::string turn(int64_t step) const;

 private:
  std::string range(int64_t begin, int64_t end, const std::string& part) const;
  std::map<std::string, torch::Tensor> tensors_;
  std::string heading_;  // digest of names, types, shapes
  int64_t bytes_ = 0;
};

}  // namespace hilum::train
