// SPDX-License-Identifier: Apache-2.0
// What a name in --where means: a column, a part's kind, a metric or a parameter.
#include <algorithm>
#include <array>

#include "core/runs/ask/where.hpp"

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
// And the heads of classes, levels and numbers.
constexpr std::array kOtherMetrics{
    "auc", "accuracy", "balanced_accuracy", "specificity", "within_one", "mae", "rmse", "pearson"};
constexpr std::array kSplits{"train", "val", "test"};

template <class List>
bool has(const List& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool is_known_metric(const std::string& name) {
  return has(kMaskMetrics, name) || has(kOtherMetrics, name);
}

// Each value once, by hopping through an index: a few steps, however many rows there are. `next`
// gives the least one after ?1.
Strings hop(Connection& store, const std::string& first, const std::string& next,
            const Strings& fixed = {}) {
  Strings found;
  const auto ask = [&](const std::string& sql, Strings values) {
    values.insert(values.end(), fixed.begin(), fixed.end());
    auto query = store.query(sql);
    int index = 0;
    for (const auto& value : values) query.bind(++index, value);
    if (!query.step() || query.null(0)) return false;
    found.push_back(query.text(0));
    return true;
  };
  for (bool more = ask(first, {}); more;) more = ask(next, {found.back()});
  return found;
}

Strings metrics_of(Connection& store) {
  Strings metrics;
  const auto splits = hop(store, "SELECT min(split) FROM final_metric",
                          "SELECT min(split) FROM final_metric WHERE split > ?1");
  for (const auto& split : splits)
    for (const auto& name :
         hop(store, "SELECT min(name) FROM final_metric WHERE split = ?1",
             "SELECT min(name) FROM final_metric WHERE name > ?1 AND split = ?2", {split}))
      metrics.push_back(split + "." + name);
  std::sort(metrics.begin(), metrics.end());
  return metrics;
}

// "mask.dice" of "test.mask.dice" for "dice": the heads' metrics of that name on a split.
Strings of_heads(const KnownNames& known, const std::string& split, const std::string& metric) {
  Strings found;
  for (const auto& name : known.metrics) {
    if (!name.starts_with(split + ".")) continue;
    const std::string rest = name.substr(split.size() + 1);
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

Error unknown(const Comparison& c, const KnownNames& known, const Asked& asked) {
  Strings words{"tag", "epoch"};
  const auto note = [&](const auto& list) { words.insert(words.end(), list.begin(), list.end()); };
  note(kTexts), note(kNumbers), note(kKinds), note(kMaskMetrics), note(kOtherMetrics);
  if (asked.option == "--columns") words.insert(words.end(), {"tags", "result"});
  for (const auto* list : {&known.metrics, &known.params})
    for (const auto& name : *list) {
      words.push_back(name);
      words.push_back(name.substr(name.rfind('.') + 1));
    }
  const std::string near = nearest(c.name, words);
  const auto listed = [](const auto& list) { return join({list.begin(), list.end()}, ", "); };
  return asked_error(asked, c.at,
                     "unknown name '" + c.name + "'." +
                         (near.empty() ? "" : " Did you mean '" + near + "'?") +
                         " Known: metrics (" + listed(kMaskMetrics) + ", " + listed(kOtherMetrics) +
                         ", or in full such as test.mask.dice), columns (" + listed(kTexts) + ", " +
                         listed(kNumbers) + "), plugins (" + listed(kKinds) + "), epoch, " +
                         (asked.option == "--columns" ? "tags, result" : "tag") +
                         ", and parameters such as train.lr");
}

// "val.dice": the metric of the first head that has it, on another split.
std::optional<Meaning> on_split(const std::string& name, const KnownNames& known) {
  const size_t dot = name.find('.');
  if (dot == std::string::npos || !has(kSplits, name.substr(0, dot))) return {};
  const std::string split = name.substr(0, dot), metric = name.substr(dot + 1);
  auto heads = of_heads(known, split, metric);
  if (heads.empty() && !is_known_metric(metric)) return {};
  return Meaning{Kind::metric, split, std::move(heads)};
}

}  // namespace

KnownNames known_names(Connection& store) {
  return {metrics_of(store),
          hop(store, "SELECT min(key) FROM param", "SELECT min(key) FROM param WHERE key > ?1")};
}

Meaning meaning_of(const Comparison& c, const KnownNames& known, const Asked& asked) {
  const std::string& name = c.name;
  // `precision` is a column (float32, bfloat16) and a metric: the value tells which is meant.
  const bool number = !c.values.empty() && c.values[0].is_number;
  if (has(kTexts, name) && !(number && is_known_metric(name))) return {Kind::column, name};
  if (has(kNumbers, name)) return {Kind::number_column, name};
  if (has(kKinds, name)) return {Kind::plugin, name};
  if (name == "tag") return {Kind::tag, name};
  if (name == "epoch") return {Kind::epoch, name};
  // Before the metrics: train.lr is the option, and not the rate that the last step had.
  if (has(known.params, name)) return {Kind::param, name};
  if (has(known.metrics, name)) {
    const size_t dot = name.find('.');
    return {Kind::metric, name.substr(0, dot), {name.substr(dot + 1)}};
  }
  if (has(known.metrics, "test." + name)) return {Kind::metric, "test", {name}};
  if (auto heads = of_heads(known, "test", name); !heads.empty() || is_known_metric(name))
    return {Kind::metric, "test", std::move(heads)};
  if (auto meaning = on_split(name, known)) return *meaning;
  const Strings keys = ending_in(known.params, name);
  if (keys.size() == 1) return {Kind::param, keys[0]};
  if (keys.size() > 1)
    throw asked_error(asked, c.at,
                      "'" + name + "' may be any of " + join(keys, ", ") + ". Write one in full");
  throw unknown(c, known, asked);
}

}  // namespace hilum::runs
