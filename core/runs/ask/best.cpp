// SPDX-License-Identifier: Apache-2.0
#include "core/runs/ask/best.hpp"

#include <algorithm>

#include "core/runs/ask/direction.hpp"
#include "core/runs/ask/find.hpp"
#include "core/runs/ask/list.hpp"
#include "core/runs/reader.hpp"

namespace hilum::runs {
namespace {
namespace fs = std::filesystem;

Meaning metric_named(const std::string& name, const KnownNames& known) {
  const Asked asked{name, "METRIC"};
  Meaning meaning = meaning_of({name, "", {{"0", 0, true}}, 0}, known, asked);
  if (meaning.kind != Meaning::Kind::metric)
    throw asked_error(asked, 0,
                      "'" + name +
                          "' is no metric. Give one such as dice, val.dice or "
                          "test.mask.hd95; `hilum runs list --sort " +
                          name + "` sorts by others");
  return meaning;
}

// Settings are chosen by validation. Only where nothing was validated is it the test's turn.
std::string usual_metric(const KnownNames& known) {
  return metric_named("val.dice", known).candidates.empty() ? "dice" : "val.dice";
}

fs::path weights_of(const fs::path& folder) {
  std::error_code none;
  for (const char* name : {"best.pt", "last.pt"})
    if (fs::exists(folder / name, none)) return folder / name;
  return {};
}

// What the metric is called in this run, whose head may have any name; "" where it has none.
std::string name_in(Connection& store, const Meaning& metric, const std::string& run) {
  const Sql sql =
      Sql{"SELECT (", {}}.add(metric_row("f.name", metric)).add(") FROM run r WHERE r.id = ?");
  auto query = store.query(sql.text);
  query.bind(sql.bind_to(query) + 1, run);
  return query.step() ? query.text(0) : "";
}

// Of validation the best step's value, which best.pt was kept for. A test is no choice: its last.
bool read_value(Connection& store, const std::string& split, const std::string& name,
                const Best& best, BestRun& run) {
  const std::string order = best.test    ? "step DESC"
                            : best.lower ? "value, step"
                                         : "value DESC, step";
  auto query = store.query(
      "SELECT value, epoch, count(*) OVER () FROM metric WHERE run = ?1 AND split = ?2 AND name = "
      "?3 "
      "AND value IS NOT NULL ORDER BY " +
      order + " LIMIT 1");
  query.with(run.id, split, name);
  if (!query.step()) return false;
  run.metric = split + "." + name;
  run.value = query.number(0), run.epoch = query.integer(1), run.logged = query.integer(2);
  return true;
}

void describe(Connection& store, BestRun& run) {
  run.short_id = short_id(store, run.id);
  auto query = store.query("SELECT name, seed, fold FROM run WHERE id = ?1");
  query.with(run.id);
  query.step();
  run.name = query.text(0), run.seed = query.integer(1), run.fold = query.integer(2);
  run.weights = weights_of(store.folder / run.id);
}

void rank(Connection& store, const BestOptions& options, Best& best) {
  const KnownNames known = known_names(store);
  best.metric = options.metric.empty() ? usual_metric(known) : options.metric;
  const Meaning metric = metric_named(best.metric, known);
  best.lower = lower_is_better(best.metric), best.test = metric.name == "test";
  const auto ids = choose(store, {.where = options.where, .status = "done"});
  best.done = static_cast<int64_t>(ids.size());
  for (const auto& id : ids) {
    if (metric.candidates.empty()) break;
    BestRun run{.id = id};
    const std::string name = name_in(store, metric, id);
    if (!name.empty() && read_value(store, metric.name, name, best, run))
      best.runs.push_back(std::move(run));
  }
  // Newest first among equal ones, as they were chosen.
  std::ranges::stable_sort(best.runs, [&](const auto& a, const auto& b) {
    return best.lower ? a.value < b.value : a.value > b.value;
  });
  best.ranked = best.runs.size();
  if (options.top > 0 && best.runs.size() > static_cast<size_t>(options.top))
    best.runs.resize(static_cast<size_t>(options.top));
  for (auto& run : best.runs) describe(store, run);
}

}  // namespace

Best best(const Reader& reader, const BestOptions& options) {
  Best best;
  check({.where = options.where});
  const auto& store = reader.impl().store;
  if (!store) return best;
  store->read([&] {
    if (store->query("SELECT 1 FROM run LIMIT 1").step()) rank(*store, options, best);
  });
  return best;
}

}  // namespace hilum::runs
