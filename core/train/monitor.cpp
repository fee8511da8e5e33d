// SPDX-License-Identifier: Apache-2.0
#include "core/train/monitor.hpp"

#include "core/runs/ask/direction.hpp"

namespace hilum::train {

std::string Monitor::choose(const Evaluation& evaluation) const {
  if (options_.monitor != "auto")
    return options_.monitor.starts_with("val.") ? options_.monitor : "val." + options_.monitor;
  for (const char* metric : {".dice", ".auc", ".accuracy"})
    if (evaluation.metrics.count(first_head_ + metric)) return "val." + first_head_ + metric;
  return "val.loss";
}

bool Monitor::better(const Evaluation& evaluation, std::map<std::string, double>& numbers) {
  if (metric_.empty()) metric_ = choose(evaluation);
  const auto found = evaluation.metrics.find(metric_.substr(4));
  if (found == evaluation.metrics.end()) {
    Strings known;
    for (const auto& [name, value] : evaluation.metrics) known.push_back("val." + name);
    throw Error("train.monitor: no metric '" + metric_ + "'." + suggestion(metric_, known) +
                    (known.size() < 10 ? "" : " The metrics are: " + join(known, ", ") + "."),
                Fault::request);
  }
  value_ = found->second;
  const double score = runs::lower_is_better(metric_) ? -value_ : value_;
  const bool better = !numbers.count("best") || score > numbers["best"] + options_.min_delta;
  if (better)
    numbers["best"] = score, numbers["waited"] = 0;
  else if (++numbers["waited"];
           options_.patience > 0 && numbers["waited"] >= static_cast<double>(options_.patience))
    numbers["stopped"] = 1;
  return better;
}

bool Monitor::stopped(const std::map<std::string, double>& numbers) {
  const auto found = numbers.find("stopped");
  return found != numbers.end() && found->second != 0;
}

}  // namespace hilum::train
