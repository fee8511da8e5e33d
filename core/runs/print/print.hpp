// SPDX-License-Identifier: Apache-2.0
// What the `hilum runs` commands show, as text: aligned tables, JSON documents, CSV (RFC 4180).
#pragma once
#include <string>
#include <vector>

#include "core/runs/again/plugins_now.hpp"

namespace hilum::runs {

/// `width` of all tables: columns that the terminal has; long texts are cut (util/fit.hpp). 0:
/// none.
std::string list_table(const std::vector<Summary>& runs, size_t width = 0);
std::string list_json(const std::vector<Summary>& runs);
std::string list_csv(const std::vector<Summary>& runs);
std::string list_md(const std::vector<Summary>& runs);

std::string listing_table(const Listing& listing, size_t width = 0);
std::string listing_json(const Listing& listing);  // each with its id, asked for or not
std::string listing_csv(const Listing& listing);
std::string listing_md(const Listing& listing);

/// `now`: of run.plugins (plugins_now.hpp); empty: not looked at.
std::string show_text(const Details& run, const std::vector<PluginNow>& now = {}, size_t width = 0);
std::string show_json(const Details& run, const std::vector<PluginNow>& now = {});

/// One row a step, one column a metric. plot.hpp draws them.
std::string curve_table(const std::vector<Curve>& curves);
std::string curve_json(const std::string& id, const std::vector<Curve>& curves);
std::string curve_csv(const std::vector<Curve>& curves);

std::string answer_table(const Answer& answer, size_t width = 0);
std::string answer_json(const Answer& answer);
std::string answer_csv(const Answer& answer);
std::string answer_md(const Answer& answer);

}  // namespace hilum::runs
