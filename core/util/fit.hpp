// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace hilum::util {

/// The columns of the terminal that the output goes to (COLUMNS says otherwise); 0 where it goes
/// into a pipe or a file.
size_t terminal_width();

/// Rows for table() (text.hpp) that are no wider than `width` where that can be: the widest texts
/// are cut and end in "…". Never cut: numbers, dates, and the columns whose headings are `whole`.
/// Lines that a cell has become one. width 0: the rows as they are.
std::vector<std::vector<std::string>> fit(std::vector<std::vector<std::string>> rows, size_t width,
                                          const std::vector<std::string>& whole = {});

}  // namespace hilum::util
