// SPDX-License-Identifier: Apache-2.0
#include "core/runs/ask/direction.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace hilum::runs {

bool lower_is_better(const std::string& metric) {
  constexpr std::array<std::string_view, 10> kLower{"loss", "hd",   "hd95",  "assd", "mae",
                                                    "mse",  "rmse", "brier", "ece",  "bce"};
  const std::string_view last = std::string_view(metric).substr(metric.find_last_of("._") + 1);
  // A term of the training loss that is called as the figure is.
  const bool term = metric.starts_with("train.") && last == "dice";
  return term || metric.ends_with("loss") || metric.find("loss.") != std::string::npos ||
         std::find(kLower.begin(), kLower.end(), last) != kLower.end();
}

}  // namespace hilum::runs
