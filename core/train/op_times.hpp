// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <memory>
#include <string>

namespace hilum::train {

/// While it lives, the time of every operator of LibTorch in this process, without that of the
/// operators it calls. One at a time. It costs a microsecond or two an operator.
class OpTimes {
 public:
  OpTimes();
  ~OpTimes();
  OpTimes(const OpTimes&) = delete;
  OpTimes& operator=(const OpTimes&) = delete;
  /// Seconds and calls since the last take(), by operator: "aten::convolution_backward". On a GPU
  /// the time to start the work, not the work.
  struct Spent {
    double seconds = 0;
    int64_t calls = 0;
  };
  std::map<std::string, Spent> take();

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

/// What kind of work an operator is, for people: "convolution", "norm", "activation", "upsampling",
/// "pooling", "copy and cast", "concatenation", "matrix product", "element by element".
std::string kind_of_work(const std::string& op);

}  // namespace hilum::train
