// SPDX-License-Identifier: Apache-2.0
// A page of runs for people: one HTML file that needs nothing beside it. No LibTorch.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/data/region.hpp"
#include "core/runs/queries.hpp"

namespace hilum::report {

/// A run and what the page calls it. An empty label is the run's name.
struct Entry {
  std::string label, run;
};
struct PageOptions {
  std::string title = "Runs";
  std::string version;                       // of Hilum
  std::string date;                          // as it is shown
  std::string ours;                          // RUN drawn red; empty: the last entry
  std::string baseline;                      // RUN drawn blue; empty: the first entry
  std::string output;                        // the mask that is drawn; empty: the first of `ours`
  int64_t cases = 12;                        // drawn: a half the worst, a quarter the best
  Strings ids;                               // drawn instead of those
  std::array<double, 2> window{-1000, 400};  // HU that are black and white
  size_t limit = 5'000'000;                  // bytes; fewer cases are drawn to stay below
};
/// The regions of the run called ours, or why there are none.
struct PageData {
  const data::RegionSet* set = nullptr;
  std::string missing;
};

/// The whole page. Without regions it has no pictures and says why. Throws Error (request): an
/// unknown run, output or id, the same run twice, or figures that alone exceed the limit.
std::string html_page(const std::vector<Entry>& entries, const runs::Reader& reader,
                      const PageData& data, const PageOptions& options);

}  // namespace hilum::report
