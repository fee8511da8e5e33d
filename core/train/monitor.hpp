// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>

#include "core/config/options.hpp"
#include "core/train/evaluate.hpp"

namespace hilum::train {

/// Which epoch is the best, and when to stop early. Its state lives in the run's numbers ("best",
/// "waited", "stopped"), so that a checkpoint keeps it.
class Monitor {
 public:
  Monitor(const config::TrainOptions& options, std::string first_head)
      : options_(options), first_head_(std::move(first_head)) {}
  /// True if this validation is better than all before it. Throws Error (request) for a metric that
  /// is not there.
  bool better(const Evaluation& evaluation, std::map<std::string, double>& numbers);
  static bool stopped(const std::map<std::string, double>& numbers);
  const std::string& metric() const {
    return metric_;
  }  // "val.mask.dice"; known after the first validation
  double value() const { return value_; }

 private:
  std::string choose(const Evaluation& evaluation) const;
  const config::TrainOptions& options_;
  std::string first_head_, metric_;
  double value_ = 0;
};

}  // namespace hilum::train
