// SPDX-License-Identifier: Apache-2.0
// Cells of the tables that describe scans.
#pragma once
#include <filesystem>
#include <string>

#include "core/data/csv.hpp"

namespace hilum::data::prepare {

/// "file:line: column 'c': value 'x': why" as an Error (Fault::data).
[[noreturn]] void refuse(const Csv& csv, const Csv::Row& row, size_t column,
                         const std::string& why);
/// The cell, which may not be empty.
const std::string& need_text(const Csv& csv, const Csv::Row& row, size_t column);
/// A finite number.
double need_number(const Csv& csv, const Csv::Row& row, size_t column);
/// A finite number, or NaN where the cell is empty.
double number_or_unknown(const Csv& csv, const Csv::Row& row, size_t column);
/// A path below `root`, relative to it: tables come from elsewhere, and one that points out of its
/// folder is refused. Does not ask whether the file is there.
std::filesystem::path need_path(const Csv& csv, const Csv::Row& row, size_t column,
                                const std::filesystem::path& root);
/// The file's name without .nii.gz or another extension.
std::string stem(const std::filesystem::path& file);

}  // namespace hilum::data::prepare
