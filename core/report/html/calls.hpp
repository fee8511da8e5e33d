// SPDX-License-Identifier: Apache-2.0
// What a run calls each nodule: the class of a binary output, the level of an ordinal one.
#pragma once
#include "core/report/html/gather.hpp"

namespace hilum::report::html {

/// A run's predictions of an output where the truth is known, as they were logged.
struct Calls {
  std::vector<double> predicted, truth;
};
Calls calls_of(const RunData& run, const std::string& output);

/// As the metrics round: a probability above 0.5 is 1; a level goes to the nearest, halves to even.
/// A regressed value stays.
double called(Kind kind, double value);
/// Rows are the truth, columns what was called; `note` ends the caption. "" without a case.
std::string confusion(const RunData& run, const RunOutput& output, const std::string& note);
/// How many of the nodules that the baseline and ours call differently became right, and wrong;
/// each of them in a table. "" where one of the two has no such output.
std::string flips(const Gathered& all, const RunOutput& output);

}  // namespace hilum::report::html
