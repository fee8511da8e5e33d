// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <string_view>

namespace hilum::config {

/// Keys that cannot change a result: labels, loader threads (their order is fixed), what is
/// recorded on the way, places to look in. Two experiments that differ in these alone are the same
/// work.
inline bool changes_no_result(std::string_view key) {
  static constexpr std::array<std::string_view, 6> kApart = {
      "experiment.name", "experiment.note", "data.workers",
      "train.log_every", "train.digests",   "plugins.registries"};
  return std::find(kApart.begin(), kApart.end(), key) != kApart.end();
}

}  // namespace hilum::config
