// SPDX-License-Identifier: Apache-2.0
// The runs that did best by one figure.
#pragma once
#include "core/runs/queries.hpp"

namespace hilum::runs {

struct BestRun {
  std::string id, short_id, name;
  int64_t seed = 0, fold = 0;
  std::string metric;  // "val.mask.dice": the head may be called otherwise elsewhere
  double value = 0;    // of validation and training the best step's, of the test the last
  int64_t epoch = 0, logged = 0;  // when that was; how many values there are
  std::filesystem::path weights;  // best.pt, or last.pt where there is no best; "": neither is
};
struct Best {
  std::string metric;  // as asked for: "val.dice", "test.mask.hd95"
  bool lower = false;  // the smallest is the best
  bool test = false;   // a figure of the test split
  std::vector<BestRun> runs;
  size_t ranked = 0;  // runs that have the figure
  int64_t done = 0;   // done runs among those asked for
};
struct BestOptions {
  std::string metric = {};  // a name as in --where; "": val.dice, where no run has it dice
  std::string where = {};
  int64_t top = 10;  // 0: all
};
/// Of done runs. Throws Error (request) for a name that is no metric.
Best best(const Reader& reader, const BestOptions& options);

}  // namespace hilum::runs
