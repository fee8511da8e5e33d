// SPDX-License-Identifier: Apache-2.0
// The parts of a page, each as HTML with its heading; "" where the runs have nothing for it.
#pragma once
#include <string>

#include "core/report/html/gather.hpp"

namespace hilum::report::html {

/// Runs with their key figures on the test split; the parameters in which they differ.
std::string runs_section(const Gathered& all);
/// Losses and validation figures by epoch, all runs in one chart.
std::string curves_section(const Gathered& all);
/// Each nodule's Dice in each run, and how far ours moved from the baseline.
std::string dice_section(const Gathered& all, const std::string& output, const PageData& data);
/// The nodules with the least Dice in our run, in order.
std::string worst_section(const Gathered& all, const std::string& output);
/// Each nodule's values, predicted/true, in our run.
std::string values_section(const Gathered& all);
/// Binary and ordinal outputs: confusion matrices, and the nodules that the baseline and ours call
/// differently; of binary ones ROC and reliability too.
std::string classes_section(const Gathered& all);

/// The mask output of a run that is compared with `output`: of that name, else its first; or null.
const RunOutput* mask_of(const RunData& run, const std::string& output);
/// The mask output that the page draws and lists: options.output, else our first; "" without one.
/// Throws Error (request) for an unknown one.
std::string mask_output(const Gathered& all, const PageOptions& options);

}  // namespace hilum::report::html
