// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <string>
#include <vector>

#include "core/config/options.hpp"

namespace hilum::config {

/// One entry of `data.channels`: RULE[low,high]OFFSET, where the window (HU) and the offset
/// (slices, with its sign) may be left out. "ct", "ct[-160,240]", "otsu3", "ct-1",
/// "slic[-900,400]+1".
struct Channel {
  enum class Rule { ct, otsu, slic };
  Rule rule = Rule::ct;
  int64_t classes = 2;             // of otsu: 2 to 4
  std::array<double, 2> window{};  // HU, mapped to [0,1]; data.window where none is given
  int64_t offset = 0;              // the slice so many further on, -16 to 16
  bool operator==(const Channel&) const = default;
};

/// Throws Error (Fault::request) with the nearest rule where the text is no channel.
Channel parse_channel(const std::string& text, const std::vector<double>& window);
/// All of them in order. Throws Error (Fault::request) as above, for a channel that stands twice,
/// and for an offset with dims 3, where a sample holds its neighbours anyway.
std::vector<Channel> channels(const DataOptions& options);

}  // namespace hilum::config
