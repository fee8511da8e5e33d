// SPDX-License-Identifier: Apache-2.0
#include "core/runs/ask/rows.hpp"

#include <fmt/format.h>

namespace hilum::runs {

Cell cell_of(const SQLite::Statement& statement, int column) {
  const auto value = statement.getColumn(column);
  if (value.isNull()) return {};
  if (value.isFloat()) return {fmt::format("{}", value.getDouble()), true};
  return {value.getString(), value.isInteger()};
}

std::vector<std::string> columns_of(Connection& store, const std::string& table) {
  std::vector<std::string> names;
  auto query = store.query("SELECT name FROM pragma_table_info(?1)");
  query.with(table);
  while (query.step()) names.push_back(query.text(0));
  return names;
}

void each_row(SQLite::Statement& statement, const std::string& run,
              const std::function<void(const std::vector<Cell>&)>& visit) {
  statement.bind(1, run);
  std::vector<Cell> cells;
  while (statement.executeStep()) {
    cells.clear();
    for (int i = 0; i < statement.getColumnCount(); ++i) cells.push_back(cell_of(statement, i));
    visit(cells);
  }
  statement.reset();
}

}  // namespace hilum::runs
