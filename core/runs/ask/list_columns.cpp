// SPDX-License-Identifier: Apache-2.0
#include "core/runs/ask/find.hpp"
#include "core/runs/ask/list.hpp"
#include "core/runs/ask/rows.hpp"
#include "core/runs/print/print_parts.hpp"

namespace hilum::runs {
namespace {

using Kind = Meaning::Kind;

Sql sql_of(const std::vector<Listed>& columns) {
  Sql sql{"SELECT ", {}};
  for (const auto& column : columns)
    sql.add(sql.text.size() > 7 ? ", " : "").add(value_of(column.meaning));
  return sql.add(" FROM run r WHERE r.id = ?");
}

Cell result_of(Connection& store, const std::string& run) {
  auto query = store.query(
      "SELECT split || '.' || name, value FROM final_metric WHERE run = ?1 ORDER BY rowid");
  query.with(run);
  Metrics metrics;
  while (query.step()) metrics.emplace_back(query.text(0), query.number(1));
  const std::string text = main_metric(metrics);
  return text.empty() ? Cell{} : Cell{text};
}

}  // namespace

Listing list_columns(Connection* store, const Strings& ids, const std::string& columns) {
  // Where no run is, nothing says what is a metric or a parameter.
  const bool empty = !store || !store->query("SELECT 1 FROM run LIMIT 1").step();
  const KnownNames known = empty ? KnownNames{} : known_names(*store);
  const auto listed = parse_columns(columns, empty ? nullptr : &known);
  Listing listing;
  for (const auto& column : listed) {
    listing.columns.push_back(column.name);
    listing.metric.push_back(column.meaning.kind == Kind::metric);
  }
  if (empty) return listing;
  const Sql sql = sql_of(listed);
  SQLite::Statement run(store->database, sql.text);
  const int last = sql.bind_to(run) + 1;
  for (const auto& id : ids) {
    run.bind(last, id);
    run.executeStep();
    Listing::Row& row = listing.rows.emplace_back(Listing::Row{id, short_id(*store, id), {}});
    for (size_t i = 0; i < listed.size(); ++i)
      row.cells.push_back(listed[i].meaning.kind == Kind::result
                              ? result_of(*store, id)
                              : cell_of(run, static_cast<int>(i)));
    run.reset();
  }
  return listing;
}

}  // namespace hilum::runs
