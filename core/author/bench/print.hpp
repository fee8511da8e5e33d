// SPDX-License-Identifier: Apache-2.0
// Recordings and comparisons for people.
#pragma once
#include <string>
#include <vector>

#include "core/author/bench/compare.hpp"

namespace hilum::bench {

/// Of what and on what, then a row a case: milliseconds of a call, quartiles, samples a second.
std::string print(const runs::Recording& recording);
/// `then`: what `now` was compared with; `name`: as it was asked for.
std::string print(const Comparison& comparison, const runs::Recording& then,
                  const std::string& name);
/// A row a recording.
std::string print(const std::vector<runs::Recording>& recordings);

}  // namespace hilum::bench
