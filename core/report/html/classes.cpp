// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/metrics/classification.hpp"
#include "core/report/html/calls.hpp"
#include "core/report/html/chart.hpp"
#include "core/report/html/sections.hpp"
#include "core/report/html/write.hpp"

namespace hilum::report::html {
namespace {

constexpr size_t kBins = 10;

bool both(const Calls& calls) {
  const auto positives = std::ranges::count(calls.truth, 1.0);
  return positives > 0 && positives < static_cast<int64_t>(calls.truth.size());
}

/// Each threshold's share of false alarms and of hits; equal scores move together.
Line roc(const Calls& calls) {
  std::vector<size_t> order(calls.truth.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order,
                    [&](size_t a, size_t b) { return calls.predicted[a] > calls.predicted[b]; });
  const auto positives = static_cast<double>(std::ranges::count(calls.truth, 1.0));
  const double negatives = static_cast<double>(order.size()) - positives;
  Line line{"", "", {0}, {0}};
  double hits = 0, alarms = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    (calls.truth[order[i]] == 1 ? hits : alarms) += 1;
    if (i + 1 < order.size() && calls.predicted[order[i + 1]] == calls.predicted[order[i]])
      continue;
    line.x.push_back(alarms / negatives), line.y.push_back(hits / positives);
  }
  return line;
}

/// Mean probability and share of positives of each bin that has cases.
Line reliability(const Calls& calls) {
  std::array<double, kBins> count{}, predicted{}, positive{};
  for (size_t i = 0; i < calls.truth.size(); ++i) {
    const auto bin = std::min(kBins - 1, static_cast<size_t>(calls.predicted[i] * kBins));
    count[bin] += 1, predicted[bin] += calls.predicted[i], positive[bin] += calls.truth[i];
  }
  Line line;
  line.marks = true;
  for (size_t bin = 0; bin < kBins; ++bin)
    if (count[bin] > 0)
      line.x.push_back(predicted[bin] / count[bin]), line.y.push_back(positive[bin] / count[bin]);
  return line;
}

double brier(const Calls& calls) {
  double sum = 0;
  for (size_t i = 0; i < calls.truth.size(); ++i)
    sum += std::pow(calls.predicted[i] - calls.truth[i], 2);
  return sum / static_cast<double>(calls.truth.size());
}

std::string one_binary(const Gathered& all, const RunOutput& kind) {
  const std::string& output = kind.name;
  Chart curves{output + ": ROC", "1 − specificity", "sensitivity", {}, std::array{0.0, 1.0}, true};
  Chart bins{output + ": reliability, 10 bins",
             "mean probability",
             "share of positives",
             {},
             std::array{0.0, 1.0},
             true};
  std::string tables;
  for (const auto& run : all.runs) {
    const Calls calls = calls_of(run, output);
    if (calls.truth.empty()) continue;
    if (both(calls)) {
      Line line = roc(calls);
      line.colour = run.colour;
      line.label =
          fmt::format("{}, AUC {:.3f}", run.label, metrics::auc(calls.predicted, calls.truth));
      curves.lines.push_back(std::move(line));
    }
    if (&run != &all.our() && &run != &all.baseline()) continue;
    Line line = reliability(calls);
    line.colour = run.colour, line.label = run.label;
    bins.lines.push_back(std::move(line));
    tables +=
        confusion(run, kind, fmt::format(", called 1 above 0.5; Brier score {:.3f}", brier(calls)));
  }
  if (tables.empty() && curves.lines.empty()) return "";
  return "<h3>" + escaped(output) + "</h3><div class=charts>\n" + chart(curves) + chart(bins) +
         "<div>" + tables + "</div></div>\n" + flips(all, kind);
}

std::string one_ordinal(const Gathered& all, const RunOutput& output) {
  std::string tables;
  for (const auto* run : {&all.baseline(), &all.our()}) {
    if (!all.compares() && !tables.empty()) break;
    tables += confusion(*run, output, "");
  }
  if (tables.empty()) return "";
  return "<h3>" + escaped(output.name) + "</h3><div class=charts>\n" + tables + "</div>\n" +
         flips(all, output);
}

}  // namespace

std::string classes_section(const Gathered& all) {
  std::string parts;
  for (const auto& output : all.outputs())
    if (output.kind == Kind::binary)
      parts += one_binary(all, output);
    else if (output.kind == Kind::ordinal)
      parts += one_ordinal(all, output);
  if (parts.empty()) return "";
  return "<section id=classes><h2>Classes</h2>\n" + parts + "</section>\n";
}

}  // namespace hilum::report::html
