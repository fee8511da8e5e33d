// SPDX-License-Identifier: Apache-2.0
// Many settings of one experiment, as rows of a table that need not be written.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "core/report/table/table_file.hpp"

namespace hilum::tables {

/// An override with several values: "train.lr=1e-3,1e-2" is {"train.lr=1e-3", "train.lr=1e-2"}.
/// Commas inside brackets and quotes belong to a value: "data.roi=[32,32],[64,64]" has two.
/// "+a.b=v" and "~a.b" as on every command line. Throws Error (request) for an empty value.
Strings values_of(const std::string& axis);
/// Every combination, the last axis fastest. One empty point without axes.
std::vector<Strings> grid(const Strings& axes);
/// A point a line: overrides between blanks; '#' begins a comment. Throws Error (request) with the
/// line.
std::vector<Strings> read_points(const std::filesystem::path& file);

/// The points as rows of a table with one profile. Throws Error (request) where two are the same.
report::TableFile sweep(const std::filesystem::path& experiment, const std::vector<Strings>& points,
                        const std::vector<int64_t>& folds, int64_t seeds);

}  // namespace hilum::tables
