// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace hilum::runs {

using Rows = std::vector<std::vector<std::string>>;           // the first is the heading
using Metrics = std::vector<std::pair<std::string, double>>;  // "test.mask.dice", in logged order

/// Four digits, for people.
std::string shown(double value);
/// The shortest text that reads back as the same number; "" for NaN.
std::string exact(double value);
/// "2026-11-22 01:13" in the time zone of whoever reads; "" for no time.
std::string local_time(const std::string& time);
/// The figure that tells how good a run is, "test.mask.dice 0.8712": the Dice on its test split,
/// else the first that was logged there, else the same of validation, else of training.
std::string main_metric(const Metrics& metrics);

/// RFC 4180, with \n between lines.
std::string csv(const Rows& rows);
std::string csv_line(const std::vector<std::string>& cells);
/// A table of GitHub's Markdown.
std::string markdown(const Rows& rows);

}  // namespace hilum::runs
