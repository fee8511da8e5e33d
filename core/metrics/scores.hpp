// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hilum::metrics {

/// Named figures of many cases. What the cases do not define is left out of `values` and stands,
/// with its reason, in `undefined`: a NaN never gets into a mean or the run store.
struct Scores {
  std::vector<std::pair<std::string, double>> values;
  std::vector<std::string> undefined;  // "auc: no case of class 0"

  void add(std::string name, double value) { values.emplace_back(std::move(name), value); }
  void leave_out(const std::string& name, const std::string& why) {
    undefined.push_back(name + ": " + why);
  }
  /// The value of that name, or nullptr where it is not defined.
  const double* find(std::string_view name) const {
    for (const auto& [known, value] : values)
      if (known == name) return &value;
    return nullptr;
  }
};

}  // namespace hilum::metrics
