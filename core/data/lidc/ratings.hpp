// SPDX-License-Identifier: Apache-2.0
// What several readers' ratings of one nodule come to.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/data/lidc/xml.hpp"

namespace hilum::data::lidc {

/// The nine characteristics by our column names. 1 to 5, internal_structure 1 to 4, calcification 1
/// to 6.
const Strings& rating_names();

struct Rating {
  std::vector<double> values;  // each reading's, in their order; NaN where it has none
  double mean = 0, median = 0;
  double mode = 0;    // of ties the lowest
  double spread = 0;  // highest less lowest
};
/// A value of 0 is no rating. All are NaN where there is none.
Rating summarise(std::vector<double> values);

/// Columns beside the mean, which is <name>: "median", "mode" and "spread" make <name>_median and
/// so on, "readers" makes <name>_reader1, <name>_reader2, ... in the readings' order (which is the
/// file's; reader 1 is not the same person in two scans).
Strings rating_statistics();
/// Columns of one nodule; NaN where unknown. Throws Error (Fault::request) for a statistic that is
/// not known.
std::map<std::string, double> rating_columns(const std::vector<Reading>& readings,
                                             const Strings& statistics);

}  // namespace hilum::data::lidc
