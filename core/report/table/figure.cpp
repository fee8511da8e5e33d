// SPDX-License-Identifier: Apache-2.0
#include "core/report/table/figure.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

#include "core/metrics/classification.hpp"

namespace hilum::report {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double head_figure(const Rule& rule, std::span<const double> predicted,
                   std::span<const double> truth) {
  const metrics::Scores scores =
      rule.kind == Kind::regression ? metrics::regression(predicted, truth)
      : rule.kind == Kind::ordinal  ? metrics::ordinal(predicted, truth)
                                    : metrics::binary(predicted, truth, rule.threshold);
  const double* value = scores.find(rule.metric);
  return value ? *value : kNan;
}

// What one case adds to a mean over cases.
double case_score(const Rule& rule, const FigureCase& c) {
  return rule.kind == Kind::mask ? c.value : head_figure(rule, {&c.value, 1}, {&c.truth, 1});
}

bool is_one_of(const std::string& name, std::initializer_list<const char*> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Figure::Figure(Rule rule, std::vector<FigureCase> cases)
    : rule_(std::move(rule)), cases_(std::move(cases)) {
  if (is_mean())
    std::erase_if(cases_, [&](const auto& c) { return std::isnan(case_score(rule_, c)); });
  std::ranges::sort(cases_, {},
                    [](const auto& c) { return std::tie(c.patient, c.nodule, c.slice); });
  for (size_t i = 0; i < cases_.size(); ++i) {
    if (i == 0 || cases_[i].patient != cases_[i - 1].patient) {
      patients_.push_back(cases_[i].patient), first_.push_back(i);
      sums_.push_back(0);
    }
    if (is_mean()) sums_.back() += case_score(rule_, cases_[i]);
  }
  first_.push_back(cases_.size());
  all_.resize(patients_.size());
  std::iota(all_.begin(), all_.end(), size_t{0});
}

// The others are functions of all cases together.
bool Figure::is_mean() const {
  return rule_.kind == Kind::mask ||
         is_one_of(rule_.metric, {"accuracy", "within_one", "mae", "sensitivity", "specificity"});
}

double Figure::value() const { return over(all_); }

double Figure::over(std::span<const size_t> patients) const {
  if (!is_mean()) return of_cases(patients);
  double sum = 0, count = 0;
  for (const size_t p : patients) {
    const auto cases = static_cast<double>(first_[p + 1] - first_[p]);
    sum += rule_.by_patient ? sums_[p] / cases : sums_[p];
    count += rule_.by_patient ? 1 : cases;
  }
  return count > 0 ? sum / count : kNan;
}

double Figure::of_cases(std::span<const size_t> patients) const {
  std::vector<double> predicted, truth;
  double positives = 0;
  for (const size_t p : patients)
    for (size_t i = first_[p]; i < first_[p + 1]; ++i) {
      predicted.push_back(cases_[i].value), truth.push_back(cases_[i].truth);
      positives += cases_[i].truth;
    }
  if (rule_.kind != Kind::binary || rule_.metric != "auc")
    return head_figure(rule_, predicted, truth);
  if (positives == 0 || positives == static_cast<double>(truth.size())) return kNan;
  return metrics::auc(predicted, truth);
}

std::vector<double> Figure::scores(std::span<const size_t> patients) const {
  if (rule_.metric == "balanced_accuracy") return balanced(patients);
  std::vector<double> scores;
  for (const size_t p : patients) scores.push_back(over({&p, 1}));
  return scores;
}

std::vector<double> Figure::balanced(std::span<const size_t> patients) const {
  double of_class[2] = {};
  const auto each = [&](size_t p, auto&& use) {
    for (size_t i = first_[p]; i < first_[p + 1]; ++i) use(cases_[i], cases_[i].truth != 0);
  };
  for (const size_t p : patients)
    each(p, [&](const auto&, bool positive) { ++of_class[positive]; });
  std::vector<double> scores;
  for (const size_t p : patients) {
    double score = 0;
    each(p, [&](const FigureCase& c, bool positive) {
      if ((c.value > rule_.threshold) == positive) score += 0.5 / of_class[positive];
    });
    scores.push_back(score * static_cast<double>(patients.size()));
  }
  return scores;
}

Test Figure::test() const {
  if (rule_.kind == Kind::mask || is_one_of(rule_.metric, {"mae", "rmse"})) return Test::wilcoxon;
  if (rule_.metric == "auc") return Test::delong;
  return is_mean() || rule_.metric == "balanced_accuracy" ? Test::permutation : Test::none;
}

}  // namespace hilum::report
