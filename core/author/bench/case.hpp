// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "hilum/schema.hpp"

namespace hilum::bench {

/// What one measurement is of: inputs by name and shape (core/model/alone.hpp has the names), and
/// options of the plugin.
struct Case {
  std::string name;
  std::vector<std::pair<std::string, std::vector<int64_t>>> inputs = {};
  Values options = {};
  std::string where = {};  // "file:line:column"; "": a default case
};

}  // namespace hilum::bench
