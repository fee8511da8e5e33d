// SPDX-License-Identifier: Apache-2.0
// Cases as pictures: the slice where the true nodule is largest, with the contours of each run.
#pragma once
#include <string>
#include <vector>

#include "core/report/html/gather.hpp"

namespace hilum::report::html {

struct Overlays {
  std::vector<std::string> figures;  // HTML of each case, the most wanted first
  Strings ids;                       // of the cases
  Strings notes;                     // which runs kept no predictions, what does not fit
};
/// The ids to draw: asked for, or the worst, median and best of our run. Throws Error (request) for
/// an id that our run was not tested on.
Strings choose_cases(const Gathered& all, const std::string& output, const PageOptions& options);

/// One figure a case, the runs side by side with their Dice. A run without a predicted mask in its
/// folder shows the truth alone and is named in the notes.
Overlays draw_cases(const Gathered& all, const std::string& output, const data::RegionSet& set,
                    const PageOptions& options);

}  // namespace hilum::report::html
