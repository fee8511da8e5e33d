// SPDX-License-Identifier: Apache-2.0
// Curves as text, for a terminal.
#pragma once
#include <string>
#include <vector>

#include "core/runs/queries.hpp"

namespace hilum::runs {

/// A plot a metric, its splits in one: train •, val +, others x; epochs to the right, the scale at
/// the left. Terms of the training loss have their own. `width`: columns that the terminal has (0:
/// 80); at least 40 are used.
std::string plots(const std::vector<Curve>& curves, size_t width);

}  // namespace hilum::runs
