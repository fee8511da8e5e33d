// SPDX-License-Identifier: Apache-2.0
// Rows of any table, each value with what it is.
#pragma once
#include <functional>

#include "core/runs/queries.hpp"
#include "core/runs/sqlite/connection.hpp"

namespace hilum::runs {

/// The column of the statement's row: the shortest text that reads back as the same number; none
/// for NULL.
Cell cell_of(const SQLite::Statement& statement, int column);
/// The names of a table's columns, in order: an older store has fewer.
std::vector<std::string> columns_of(Connection& store, const std::string& table);
/// Calls with each row of the statement, in which '?' is the run. Call inside Connection::read.
void each_row(SQLite::Statement& statement, const std::string& run,
              const std::function<void(const std::vector<Cell>&)>& visit);

}  // namespace hilum::runs
