// SPDX-License-Identifier: Apache-2.0
// Where few runs can fulfil an expression, the index of final metrics names them: the exact
// condition is then asked of these alone, and not of every run of the store.
#include "core/runs/ask/where.hpp"

namespace hilum::runs {
namespace {

using Kind = Expression::Kind;

// A set of ids that holds all that are looked for, and how many it has.
struct Few {
  Sql ids;
  int64_t count = 0;
};

class Finder {
 public:
  Finder(Connection& store, const KnownNames& known, const Asked& asked, int64_t most)
      : store_(store), known_(known), asked_(asked), most_(most) {}

  std::optional<Few> find(const Expression& e) const {
    switch (e.kind) {
      case Kind::comparison:
        return of_comparison(e.comparison);
      case Kind::conjunction:
        return smallest(e.children);
      case Kind::disjunction:
        return all_of(e.children);
      case Kind::negation:  // what is left over may be anything
        break;
    }
    return {};
  }

 private:
  // The rows of all heads that have the metric: those of a run's first head are among them.
  std::optional<Few> of_comparison(const Comparison& c) const {
    const Meaning m = meaning_of(c, known_, asked_);
    if (m.kind != Meaning::Kind::metric || c.op == "!=" || c.op == "like") return {};
    if (m.candidates.empty()) return Few{{"SELECT NULL WHERE 0", {}}, 0};
    Sql rows{" FROM final_metric WHERE split = ?", {m.name}};
    rows.add(" AND name IN (").add(one_of(m.candidates)).add(") AND value ");
    if (c.op != "in") rows.add(c.op + " ?").bind(c.values[0].number);
    if (c.op == "in") {
      rows.add("IN (");
      for (size_t i = 0; i < c.values.size(); ++i)
        rows.add(i ? ", ?" : "?").bind(c.values[i].number);
      rows.add(")");
    }
    const int64_t count = count_of(rows);
    if (count > most_) return {};
    return Few{Sql{"SELECT run", {}}.add(rows), count};
  }

  // No further than is needed to see that there are too many.
  int64_t count_of(const Sql& rows) const {
    const Sql sql = Sql{"SELECT count(*) FROM (SELECT 1", {}}.add(rows).add(
        " LIMIT " + std::to_string(most_ + 1) + ")");
    auto query = store_.query(sql.text);
    sql.bind_to(query);
    query.step();
    return query.integer(0);
  }

  std::optional<Few> smallest(const std::vector<Expression>& children) const {
    std::optional<Few> best;
    for (const auto& child : children)
      if (auto few = find(child); few && (!best || few->count < best->count)) best = std::move(few);
    return best;
  }

  std::optional<Few> all_of(const std::vector<Expression>& children) const {
    Few all;
    for (const auto& child : children) {
      const auto few = find(child);
      if (!few || (all.count += few->count) > most_) return {};
      all.ids.add(all.ids.text.empty() ? "" : " UNION ALL ").add(few->ids);
    }
    return all;
  }

  Connection& store_;
  const KnownNames& known_;
  const Asked& asked_;
  const int64_t most_;
};

}  // namespace

std::optional<Sql> few_of(Connection& store, const Expression& expression, const KnownNames& known,
                          const Asked& asked, int64_t most) {
  auto few = Finder(store, known, asked, most).find(expression);
  if (!few) return {};
  return std::move(few->ids);
}

}  // namespace hilum::runs
