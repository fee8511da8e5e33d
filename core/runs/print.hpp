// SPDX-License-Identifier: Apache-2.0
// What the `hilum runs` commands show, as text: aligned tables, JSON documents, CSV (RFC 4180).
#pragma once
#include <string>
#include <vector>

#include "core/runs/plugins_now.hpp"

namespace hilum::runs {

std::string list_table(const std::vector<Summary>& runs);
std::string list_json(const std::vector<Summary>& runs);
std::string list_csv(const std::vector<Summary>& runs);

/// `now`: of run.plugins (plugins_now.hpp); empty: not looked at.
std::string show_text(const Details& run, const std::vector<PluginNow>& now = {});
std::string show_json(const Details& run, const std::vector<PluginNow>& now = {});

/// One row a step, one column a metric; `plots` adds a small plot of each.
std::string curve_table(const std::vector<Curve>& curves, bool plots);
std::string curve_json(const std::string& id, const std::vector<Curve>& curves);
std::string curve_csv(const std::vector<Curve>& curves);

std::string answer_table(const Answer& answer);
std::string answer_json(const Answer& answer);
std::string answer_csv(const Answer& answer);

/// One character a value from ▁ (least) to █ (greatest), at most `width` of them; a space for NaN.
std::string sparkline(const std::vector<double>& values, size_t width);

}  // namespace hilum::runs
