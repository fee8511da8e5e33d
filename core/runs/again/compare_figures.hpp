// SPDX-License-Identifier: Apache-2.0
// The figures of one split in two runs of the same work, bit for bit.
#pragma once
#include "core/runs/queries.hpp"

namespace hilum::runs {

struct FigurePair {
  std::string name;  // "mask.dice"
  std::optional<double> first, second;
  bool equal = false;  // in every bit; NaN equals NaN; false where one has none
};
struct FigureComparison {
  std::vector<FigurePair> metrics;  // in the first run's order
  size_t cases = 0;                 // case figures that either run has
  size_t unequal_cases = 0;         // of those, the ones that differ or stand in one run only
  bool equal() const;
};

/// `first`, `second`: RUN as Reader::find takes it.
FigureComparison compare_figures(const Reader& reader, const std::string& first,
                                 const std::string& second, const std::string& split);

}  // namespace hilum::runs
