// SPDX-License-Identifier: Apache-2.0
#include "core/metrics/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/metrics/statistics.hpp"
#include "hilum/error.hpp"

namespace hilum::metrics {
namespace {

using Cases = std::vector<const CaseScores*>;

constexpr size_t kMetrics = 7;

void check_finite(const CaseScores& c) {
  for (const auto& [name, value] : named(c.scores))
    if (!std::isfinite(value))
      throw Error(fmt::format(
          "metrics: {} of patient '{}', nodule '{}'{} is '{}', a finite number "
          "is needed.",
          name, c.patient, c.nodule, c.slice ? fmt::format(", slice {}", *c.slice) : "", value));
}

Cases without_empty(const Cases& cases) {
  Cases kept;
  for (const CaseScores* c : cases)
    if (c->scores.empty == Empty::none) kept.push_back(c);
  return kept;
}

std::vector<double> column(const Cases& cases, size_t metric) {
  std::vector<double> values;
  values.reserve(cases.size());
  for (const CaseScores* c : cases) values.push_back(named(c->scores)[metric].second);
  return values;
}

/// A patient with many nodules weighs as much as one with a single nodule.
std::vector<double> patient_means(const Cases& cases, size_t metric) {
  std::map<std::string, Cases> of_patient;
  for (const CaseScores* c : cases) of_patient[c->patient].push_back(c);
  std::vector<double> means;
  for (const auto& [patient, its] : of_patient) means.push_back(mean(column(its, metric)));
  return means;
}

void add_counts(const Cases& cases, const std::string& prefix, Scores& scores) {
  for (const Empty empty : {Empty::pred, Empty::truth, Empty::both}) {
    const auto n = std::count_if(cases.begin(), cases.end(),
                                 [&](const auto* c) { return c->scores.empty == empty; });
    scores.add(prefix + "empty_" + to_string(empty), static_cast<double>(n));
  }
}

void add_nodules(const Cases& cases, size_t metric, const std::string& name, Scores& scores) {
  const auto values = column(cases, metric);
  scores.add(name, mean(values));
  scores.add("median_" + name, percentile(values, 50));
  if (values.size() > 1)
    scores.add("sd_" + name, deviation(values));
  else
    scores.leave_out("sd_" + name, "a single nodule");
  scores.add("patient_" + name, mean(patient_means(cases, metric)));
}

/// The means that stand beside: the same without the cases of which a mask is empty.
void add_nonempty(const Cases& cases, size_t metric, const std::string& name, Scores& scores) {
  if (cases.empty()) {
    scores.leave_out("nonempty_" + name, "a mask of every nodule is empty");
    scores.leave_out("nonempty_patient_" + name, "a mask of every nodule is empty");
    return;
  }
  scores.add("nonempty_" + name, mean(column(cases, metric)));
  scores.add("nonempty_patient_" + name, mean(patient_means(cases, metric)));
}

void add_slices(const Cases& all, const Cases& nonempty, size_t metric, const std::string& name,
                Scores& scores) {
  scores.add("slice_" + name, mean(column(all, metric)));
  if (nonempty.empty())
    scores.leave_out("nonempty_slice_" + name, "a mask of every slice is empty");
  else
    scores.add("nonempty_slice_" + name, mean(column(nonempty, metric)));
}

int64_t patients(const Cases& cases) {
  std::set<std::string> names;
  for (const CaseScores* c : cases) names.insert(c->patient);
  return static_cast<int64_t>(names.size());
}

}  // namespace

Scores summarize(std::span<const CaseScores> cases) {
  Cases nodules, slices;
  for (const CaseScores& c : cases) {
    check_finite(c);
    (c.slice ? slices : nodules).push_back(&c);
  }
  const Cases full_nodules = without_empty(nodules), full_slices = without_empty(slices);
  const auto names = named({});
  Scores scores;
  for (size_t m = 0; m < kMetrics; ++m) {
    const std::string name = names[m].first;
    if (nodules.empty()) {
      scores.leave_out(name, "no nodule was compared");
    } else {
      add_nodules(nodules, m, name, scores);
      add_nonempty(full_nodules, m, name, scores);
    }
    if (!slices.empty()) add_slices(slices, full_slices, m, name, scores);
  }
  scores.add("cases", static_cast<double>(nodules.size()));
  scores.add("patients", static_cast<double>(patients(nodules)));
  add_counts(nodules, "", scores);
  if (!slices.empty()) {
    scores.add("slices", static_cast<double>(slices.size()));
    add_counts(slices, "slice_", scores);
  }
  return scores;
}

}  // namespace hilum::metrics
