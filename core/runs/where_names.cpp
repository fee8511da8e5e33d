// SPDX-License-Identifier: Apache-2.0
// What a name in --where means: a column, a part's kind, a metric or a parameter.
#include <algorithm>
#include <array>

#include "core/runs/where.hpp"

namespace hilum::runs {
namespace {

using Kind = Meaning::Kind;

constexpr std::array kTexts{"id",    "name", "experiment", "status",    "started",
                            "ended", "host", "device",     "precision", "torch",
                            "git",   "note", "parent"};
constexpr std::array kNumbers{"seed", "fold", "dirty"};
constexpr std::array kKinds{"backbone", "fusion", "regularizer", "head"};
// What every segmentation head has (docs/metrics.md), known even before a run has logged it.
constexpr std::array kMaskMetrics{"dice", "iou", "precision", "sensitivity", "hd", "hd95", "assd"};

template <class List>
bool has(const List& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// Distinct values by hopping through an index: a few steps, however many rows there are.
Strings hop(Connection& store, const char* sql) {
  Strings found;
  auto query = store.query(sql);
  while (query.step())
    if (!query.null(0)) found.push_back(query.text(0));
  std::sort(found.begin(), found.end());
  return found;
}

// "test.mask.dice" -> "mask.dice" for "dice": the heads' metrics of that name on the test split.
Strings of_heads(const KnownNames& known, const std::string& metric) {
  Strings found;
  for (const auto& name : known.metrics) {
    if (!name.starts_with("test.")) continue;
    const std::string rest = name.substr(5);
    const size_t dot = rest.find('.');
    if (dot != std::string::npos && rest.substr(dot + 1) == metric) found.push_back(rest);
  }
  return found;
}

Strings ending_in(const Strings& keys, const std::string& last) {
  Strings found;
  for (const auto& key : keys)
    if (key.ends_with("." + last)) found.push_back(key);
  return found;
}

Error unknown(const Comparison& c, const KnownNames& known, const std::string& text) {
  Strings words(kTexts.begin(), kTexts.end());
  for (const auto* list : {&kNumbers}) words.insert(words.end(), list->begin(), list->end());
  words.insert(words.end(), kKinds.begin(), kKinds.end());
  words.insert(words.end(), kMaskMetrics.begin(), kMaskMetrics.end());
  words.push_back("tag");
  for (const auto* list : {&known.metrics, &known.params})
    for (const auto& name : *list) {
      words.push_back(name);
      words.push_back(name.substr(name.rfind('.') + 1));
    }
  const std::string near = nearest(c.name, words);
  const auto listed = [](const auto& list) { return join({list.begin(), list.end()}, ", "); };
  return where_error(text, c.at,
                     "unknown name '" + c.name + "'." +
                         (near.empty() ? "" : " Did you mean '" + near + "'?") +
                         " Known: metrics (" + listed(kMaskMetrics) +
                         ", or in full such as test.mask.dice), columns (" + listed(kTexts) + ", " +
                         listed(kNumbers) + "), plugins (" + listed(kKinds) +
                         "), tag, and parameters such as train.lr");
}

}  // namespace

KnownNames known_names(Connection& store) {
  return {
      hop(store,
          "WITH RECURSIVE k (split, name) AS (SELECT * FROM (SELECT split, name FROM final_metric "
          "ORDER BY split, name LIMIT 1) UNION ALL SELECT n.split, n.name FROM k JOIN final_metric "
          "n "
          "ON n.rowid = (SELECT m.rowid FROM final_metric m WHERE (m.split, m.name) > "
          "(k.split, k.name) ORDER BY m.split, m.name LIMIT 1)) SELECT split || '.' || name FROM "
          "k"),
      hop(store,
          "WITH RECURSIVE k (key) AS (SELECT min(key) FROM param UNION ALL SELECT (SELECT "
          "min(p.key) FROM param p WHERE p.key > k.key) FROM k WHERE k.key IS NOT NULL) "
          "SELECT key FROM k")};
}

Meaning meaning_of(const Comparison& c, const KnownNames& known, const std::string& text) {
  const std::string& name = c.name;
  // `precision` is a column (float32, bfloat16) and a metric: the value tells which is meant.
  const bool number = !c.values.empty() && c.values[0].is_number;
  if (has(kTexts, name) && !(number && has(kMaskMetrics, name))) return {Kind::column, name};
  if (has(kNumbers, name)) return {Kind::number_column, name};
  if (has(kKinds, name)) return {Kind::plugin, name};
  if (name == "tag") return {Kind::tag, name};
  if (has(known.metrics, name)) {
    const size_t dot = name.find('.');
    return {Kind::metric, name.substr(0, dot), {name.substr(dot + 1)}};
  }
  if (has(known.params, name)) return {Kind::param, name};
  if (has(known.metrics, "test." + name)) return {Kind::metric, "test", {name}};
  if (auto heads = of_heads(known, name); !heads.empty() || has(kMaskMetrics, name))
    return {Kind::metric, "test", std::move(heads)};
  const Strings keys = ending_in(known.params, name);
  if (keys.size() == 1) return {Kind::param, keys[0]};
  if (keys.size() > 1)
    throw where_error(text, c.at,
                      "'" + name + "' may be any of " + join(keys, ", ") + ". Write one in full");
  throw unknown(c, known, text);
}

}  // namespace hilum::runs
