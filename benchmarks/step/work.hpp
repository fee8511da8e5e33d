// SPDX-License-Identifier: Apache-2.0
// What step_bench does again and again, as a peer does it beside it.
#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "hilum/names.hpp"
#include "hilum/plugin.hpp"

namespace hilum::bench {

struct Work {
  virtual ~Work() = default;
  /// One step of training; its loss, 0 where there is none. Where a work has none: Error (request).
  virtual double train();
  virtual void infer() = 0;
  /// What has to equal the peer's, by the names that it has there. Changes nothing.
  virtual Named check() = 0;
  /// For people: precision, layout, which weights were read.
  virtual std::string about() const = 0;
};

/// One of a file's tensors. Throws Error (data): it is not there.
Tensor tensor_of(const Named& file, const std::string& name);

/// An assembled model with Adam, as the trainer steps it: the batch placed, forward, losses,
/// backward, update, logs. Its weights: train.init=FILE.
std::unique_ptr<Work> model_work(const std::filesystem::path& experiment, const Strings& overrides,
                                 const std::filesystem::path& batch);
/// A regularizer alone on the inputs u and perhaps c, forward and backward from the gradient
/// "grad".
std::unique_ptr<Work> regularizer_work(const std::string& name, const Strings& options,
                                       const std::filesystem::path& inputs);
/// The seven metrics of each pair: pred, truth [P,H,W] or [P,D,H,W] of bytes, spacing [P,2 or 3].
std::unique_ptr<Work> metrics_work(const std::filesystem::path& masks);

}  // namespace hilum::bench
