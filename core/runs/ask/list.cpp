// SPDX-License-Identifier: Apache-2.0
#include "core/runs/ask/list.hpp"

#include <algorithm>

namespace hilum::runs {
namespace {

void check_status(const std::string& status) {
  static const Strings known = {"running", "done", "failed", "interrupted", "crashed"};
  if (!status.empty() && std::find(known.begin(), known.end(), status) == known.end())
    throw Error("--status: no status '" + status + "'." + suggestion(status, known),
                Fault::request);
}

// The runs that come first by one metric: all whose final value is at least (or at most) `bound`.
struct Front {
  double bound = 0;
  Sql ids;
};

class Chooser {
 public:
  Chooser(Connection& store, const ListOptions& options, const Effort& effort)
      : store_(store), limit_(options.limit), effort_(effort) {
    if (!options.where.empty() || !options.sort.empty()) known_ = known_names(store);
    if (!options.status.empty())
      filter_.add(std::string(" AND (") + kStatus + ") = ?").bind(options.status);
    if (!options.name.empty()) filter_.add(" AND r.name GLOB ?").bind(options.name);
    if (!options.where.empty()) {
      where_ = parse_where(options.where), asked_ = {options.where};
      filter_.add(" AND ").add(condition_of(*where_, known_, asked_));
    }
    if (!options.sort.empty()) keys_ = parse_sort(options.sort, &known_);
  }

  Strings ids() {
    if (const auto few = few_within(effort_.few)) return ask(few);
    if (limit_ > 0 && keys_.empty()) return ask({});  // the newest are found from the end, soon
    // Tried with the front of the order first; the whole is sorted only where that is not enough.
    for (int64_t size = effort_.first; limit_ > 0 && size <= 10 * effort_.first; size *= 10)
      if (const auto front = front_of(size))
        if (Strings found = ask(front->ids, front); complete_) return found;
    return ask(few_within(4 * effort_.few));
  }

 private:
  std::optional<Sql> few_within(int64_t most) const {
    if (!where_) return {};
    return few_of(store_, *where_, known_, asked_, most);
  }

  // The exact question, to the runs in `among` or to all.
  Strings ask(const std::optional<Sql>& among, const std::optional<Front>& front = {}) {
    Sql sql{"SELECT r.id", {}};
    for (const auto& key : keys_) sql.add(", ").add(value_of(key.meaning));
    sql.add(" FROM run r WHERE 1");
    if (among) sql.add(" AND r.id IN (").add(*among).add(")");
    sql.add(filter_).add(" ORDER BY ");
    for (size_t i = 0; i < keys_.size(); ++i)
      sql.add(std::to_string(i + 2) + (keys_[i].descending ? " DESC" : " ASC") + " NULLS LAST, ");
    sql.add("r.id DESC LIMIT ?");
    auto query = store_.query(sql.text);
    query.bind(sql.bind_to(query) + 1, limit_ > 0 ? limit_ : int64_t{-1});
    Strings found;
    complete_ = !front;
    while (query.step()) {
      found.push_back(query.text(0));
      if (front && static_cast<int64_t>(found.size()) == limit_) complete_ = in(*front, query);
    }
    return found;
  }

  // No run outside the front comes before this one: it is within the bound itself.
  bool in(const Front& front, const Query& row) const {
    if (row.null(1)) return false;
    return keys_[0].descending ? row.number(1) >= front.bound : row.number(1) <= front.bound;
  }

  // About `size` runs of each head that has the metric, by following its index from the end.
  std::optional<Front> front_of(int64_t size) {
    if (keys_.empty() || keys_[0].meaning.kind != Meaning::Kind::metric) return {};
    const Meaning& metric = keys_[0].meaning;
    const bool down = keys_[0].descending;
    std::optional<Front> front;
    for (const auto& name : metric.candidates) {
      auto query = store_.query(
          "SELECT value FROM final_metric WHERE split = ?1 AND name = ?2 AND value IS NOT NULL "
          "ORDER BY value " +
          std::string(down ? "DESC" : "ASC") + " LIMIT 1 OFFSET ?3");
      query.with(metric.name, name, size - 1);
      if (!query.step()) continue;
      const double value = query.number(0);
      if (!front) front = Front{value, {}};
      front->bound = down ? std::max(front->bound, value) : std::min(front->bound, value);
    }
    if (!front) return {};
    front->ids = Sql{"SELECT run FROM final_metric WHERE split = ?", {metric.name}};
    front->ids.add(" AND name IN (").add(one_of(metric.candidates)).add(") AND value ");
    front->ids.add(down ? ">= ?" : "<= ?").bind(front->bound);
    return front;
  }

  Connection& store_;
  const int64_t limit_;
  const Effort effort_;
  KnownNames known_;
  Sql filter_;
  std::optional<Expression> where_;
  Asked asked_;
  std::vector<Listed> keys_;
  bool complete_ = false;  // what the last question gave is what a question to all runs gives
};

}  // namespace

void check(const ListOptions& options) {
  check_status(options.status);
  if (!options.where.empty()) parse_where(options.where);
  if (!options.sort.empty()) parse_sort(options.sort, nullptr);
}

Strings choose(Connection& store, const ListOptions& options, const Effort& effort) {
  check(options);
  if (!store.query("SELECT 1 FROM run LIMIT 1").step()) return {};
  return Chooser(store, options, effort).ids();
}

}  // namespace hilum::runs
