// SPDX-License-Identifier: Apache-2.0
// Which runs a list has and in which order, against a plain account of what the names mean.
#include "core/runs/ask/list.hpp"

#include <algorithm>
#include <cmath>

#include "core/runs/reader.hpp"
#include "core/util/random.hpp"
#include "fixture.hpp"

namespace hilum::runs {
namespace {

// What a run's metric is by docs/run-store.md, read off everything that is known of the run.
std::optional<double> figure(const Details& run, const std::string& split,
                             const std::string& name) {
  const auto place = [&](const std::string& head) {
    const auto has_dice = [&](const auto& m) { return m.first == split + "." + head + ".dice"; };
    const bool mask = std::ranges::any_of(run.metrics, has_dice);
    const auto param = std::ranges::find_if(
        run.params, [&](const auto& p) { return p.key.starts_with("head." + head + "."); });
    return std::pair(!mask, param - run.params.begin());
  };
  std::optional<double> value;
  std::optional<std::pair<bool, long>> first;
  for (const auto& [full, number] : run.metrics) {
    if (full == split + "." + name) return number;
    if (!full.starts_with(split + ".") || !full.ends_with("." + name)) continue;
    const auto here =
        place(full.substr(split.size() + 1, full.size() - split.size() - name.size() - 2));
    if (!first || here < *first) first = here, value = number;
  }
  return value;
}

bool holds(const Details& run, const Comparison& c) {
  const Literal& wanted = c.values[0];
  const auto compare = [&](double value) {
    return c.op == "="    ? value == wanted.number
           : c.op == "!=" ? value != wanted.number
           : c.op == "<"  ? value < wanted.number
           : c.op == "<=" ? value <= wanted.number
           : c.op == ">"  ? value > wanted.number
                          : value >= wanted.number;
  };
  if (c.name == "seed") return compare(static_cast<double>(run.seed));
  if (c.name == "tag") return std::ranges::find(run.tags, wanted.text) != run.tags.end();
  const size_t dot = c.name.find('.');
  const auto value = dot == c.name.npos
                         ? figure(run, "test", c.name)
                         : figure(run, c.name.substr(0, dot), c.name.substr(dot + 1));
  return value && compare(*value);
}

bool holds(const Details& run, const Expression& e) {
  const auto one = [&](const Expression& child) { return holds(run, child); };
  switch (e.kind) {
    case Expression::Kind::comparison:
      return holds(run, e.comparison);
    case Expression::Kind::negation:
      return !holds(run, e.children[0]);
    case Expression::Kind::conjunction:
      return std::ranges::all_of(e.children, one);
    case Expression::Kind::disjunction:
      return std::ranges::any_of(e.children, one);
  }
  return false;
}

// Runs of several heads, which not all have, with figures that are often equal, NaN or missing.
class RandomStore : public StoreTest {
 protected:
  void fill(uint64_t seed) {
    util::Random random{seed};
    Store store(folder);
    for (int i = 0; i < 60; ++i) {
      Strings heads{"mask", "aux", "cls"};
      random.shuffle(heads);
      heads.resize(random.below(4));
      NewRun run = some_run("r", static_cast<int64_t>(random.below(4)));
      run.params.clear();
      for (const auto& head : heads)
        run.params.push_back({"head." + head + ".weight", "1", "number"});
      if (random.chance(0.3)) run.tags = {"paper"};
      const auto id = store.begin(run);
      std::vector<Metric> metrics;
      for (const auto& head : heads)
        for (const char* split : {"val", "test"})
          for (const char* name : {"dice", "auc", "hd"})
            if (random.chance(head == "cls" ? 0.3 : 0.8))
              metrics.push_back(
                  {1, 1, split, head + "." + name,
                   random.chance(0.1) ? NAN : 0.25 * static_cast<double>(random.below(5))});
      store.log(id, metrics);
      store.finish(id, "done");
    }
    const Reader reader(folder);
    for (const auto& id : reader.ids({})) runs_.push_back(reader.show(id));
  }
  static std::string comparison(util::Random& random) {
    const char* names[] = {"dice",           "auc",          "hd",       "val.dice",
                           "test.mask.dice", "test.aux.auc", "accuracy", "seed"};
    const char* signs[] = {"=", "!=", "<", "<=", ">", ">="};
    if (random.chance(0.1)) return "tag = paper";
    return std::string(names[random.below(8)]) + " " + signs[random.below(6)] + " " +
           std::to_string(0.25 * static_cast<double>(random.below(5)));
  }
  static std::string expression(util::Random& random, int depth) {
    const auto part = [&] { return "(" + expression(random, depth - 1) + ")"; };
    switch (depth == 0 ? 0 : random.below(4)) {
      case 1:
        return part() + " and " + part();
      case 2:
        return part() + " or " + part();
      case 3:
        return "not " + part();
      default:
        return comparison(random);
    }
  }
  // Newest first; then each key, the last one first, as stable sorts.
  Strings expected(const ListOptions& options) const {
    std::vector<const Details*> found;
    const Expression where = parse_where(options.where);
    for (const auto& run : runs_)
      if (holds(run, where)) found.push_back(&run);
    Strings keys;
    for (size_t at = 0, end = 0; end < options.sort.size(); at = end + 1) {
      end = std::min(options.sort.find(',', at), options.sort.size());
      keys.insert(keys.begin(), options.sort.substr(at, end - at));
    }
    for (std::string key : keys) {
      const bool down = key.starts_with('-');
      if (down) key.erase(0, 1);
      const auto value = [&](const Details* run) -> std::optional<double> {
        if (key == "seed") return static_cast<double>(run->seed);
        const auto v = key.starts_with("val.") ? figure(*run, "val", key.substr(4))
                                               : figure(*run, "test", key);
        return v && std::isnan(*v) ? std::nullopt : v;
      };
      std::ranges::stable_sort(found, [&](const Details* a, const Details* b) {
        const auto x = value(a), y = value(b);
        if (!x || !y) return x && !y;
        return down ? *x > *y : *x < *y;
      });
    }
    if (options.limit > 0) found.resize(std::min(found.size(), static_cast<size_t>(options.limit)));
    Strings ids;
    for (const auto* run : found) ids.push_back(run->id);
    return ids;
  }
  std::vector<Details> runs_;
};

TEST_F(RandomStore, IndexesChangeNothing) {
  fill(1);
  const Reader reader(folder);
  Connection& store = *reader.impl().store;
  const char* sorts[] = {"", "-dice", "dice", "auc,-seed", "-val.dice,hd", "seed,-hd", "accuracy"};
  size_t found = 0;
  for (uint64_t i = 0; i < 400; ++i) {
    util::Random random{2, i};
    const ListOptions options{.where = expression(random, static_cast<int>(random.below(4))),
                              .limit = static_cast<int64_t>(random.below(4)) * 3,
                              .sort = sorts[random.below(7)]};
    SCOPED_TRACE(options.where + " | " + options.sort + " | " + std::to_string(options.limit));
    const Strings wanted = expected(options);
    found += wanted.size();
    const auto asked = [&](const Effort& effort) {
      return store.read([&] { return choose(store, options, effort); });
    };
    EXPECT_EQ(asked({}), wanted);
    EXPECT_EQ(asked({.few = 8, .first = 4}), wanted) << "looked up in the index, in part";
    EXPECT_EQ(asked({.few = 0, .first = 1000}), wanted) << "each run asked";
  }
  EXPECT_GT(found, 1000u) << "the test has to find something";
}

}  // namespace
}  // namespace hilum::runs
