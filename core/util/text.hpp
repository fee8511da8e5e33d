// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

namespace hilum::util {

/// Rows as aligned columns; the first row is the heading. Numbers align right.
std::string table(const std::vector<std::vector<std::string>>& rows);
/// Now, UTC, ISO 8601 with milliseconds: 2026-11-22T00:13:05.123Z.
std::string now();

/// A word of a shell's command line: as it is, or in quotes where a shell would read more into it.
std::string shell_word(const std::string& word);

}  // namespace hilum::util
