// SPDX-License-Identifier: Apache-2.0
#include "core/report/table/cells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/metrics/statistics.hpp"
#include "core/report/table/compare.hpp"
#include "core/report/table/gather.hpp"

namespace hilum::report {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kLevel = 0.05;

std::string not_run(const Row& row, const Column& column, bool other_set) {
  if (row.experiment.empty()) return row.note.empty() ? "not run" : "not run: " + row.note;
  return other_set ? "not run: no run of the set '" + column.set + "'" : "not run";
}

std::vector<double> of_seeds(const Evidence& evidence) {
  if (evidence.seeds.empty()) return evidence.means;
  std::vector<double> values;
  for (const auto& figure : evidence.seeds) values.push_back(figure.value());
  return values;
}

Cell make_cell(const Row& row, const Column& column, const Evidence& evidence, bool other_set) {
  Cell cell{.runs = evidence.runs};
  if (evidence.runs.empty()) {
    cell.empty = not_run(row, column, other_set);
    return cell;
  }
  const auto values = of_seeds(evidence);
  cell.seeds = static_cast<int64_t>(values.size()), cell.folds = evidence.folds;
  if (!evidence.seeds.empty()) {
    cell.cases = static_cast<int64_t>(evidence.seeds.front().cases().size());
    cell.patients = static_cast<int64_t>(evidence.seeds.front().patients().size());
  }
  if (std::ranges::any_of(values, [](double v) { return std::isnan(v); })) {
    cell.empty = evidence.missing.empty()
                     ? fmt::format("not defined: the cases ({}) do not define it", cell.cases)
                     : evidence.missing;
    return cell;
  }
  cell.value = metrics::mean(values);
  const bool counted = column.metric == "parameters";  // no sample of anything
  if (values.size() > 1 && !counted) {
    cell.spread = metrics::deviation(values);
  } else if (!evidence.seeds.empty()) {
    if (const auto found = interval(evidence.seeds.front()))
      cell.low = found->low, cell.high = found->high;
  }
  return cell;
}

/// A table while its figures are made.
class Filling {
 public:
  Filling(const TableFile& table, const std::vector<std::vector<RowRun>>& runs,
          const runs::Reader& reader)
      : table_(table), runs_(runs), gatherer_(reader, table.columns) {}

  Figures fill() {
    for (size_t r = 0; r < table_.rows.size(); ++r) read_row(r);
    for (size_t c = 0; c < table_.columns.size(); ++c) {
      compare_with_baseline(c);
      mark_best(c);
    }
    note_counts();
    return std::move(figures_);
  }

 private:
  void read_row(size_t r) {
    gatherer_.next_row();
    figures_.cells.emplace_back(), evidence_.emplace_back();
    for (const auto& column : table_.columns) {
      Evidence evidence = gatherer_.gather(column, runs_.at(r));
      figures_.cells[r].push_back(make_cell(table_.rows[r], column, evidence, !runs_[r].empty()));
      for (const auto& text : evidence.notes) note(label(table_.rows[r]) + ": " + text);
      if (std::ranges::any_of(evidence.seeds, [&](const Figure& figure) {
            return figure.cases().size() != evidence.seeds.front().cases().size();
          }))
        note(fmt::format("{}: {}: the seeds have unequal numbers of cases", label(table_.rows[r]),
                         full_label(column)));
      evidence_[r].push_back(std::move(evidence));
    }
  }

  void note(std::string text) {
    if (std::ranges::find(figures_.notes, text) == figures_.notes.end())
      figures_.notes.push_back(std::move(text));
  }

  // A figure that can be compared: recomputed from cases.
  bool comparable(size_t r, size_t c) const {
    return figures_.cells[r][c].value && !evidence_[r][c].seeds.empty();
  }

  void compare_with_baseline(size_t c) {
    const auto base = std::ranges::find(table_.rows, table_.baseline, &Row::id);
    if (base == table_.rows.end()) return;
    const auto b = static_cast<size_t>(base - table_.rows.begin());
    if (!comparable(b, c)) return;
    std::vector<double> p(table_.rows.size(), kNan);
    for (size_t r = 0; r < table_.rows.size(); ++r) {
      if (r == b || !comparable(r, c)) continue;
      const auto found = compare(evidence_[r][c].seeds, evidence_[b][c].seeds);
      Cell& cell = figures_.cells[r][c];
      if (std::isnan(found.difference)) continue;
      cell.difference = found.difference;
      if (found.interval)
        cell.difference_low = found.interval->low, cell.difference_high = found.interval->high;
      p[r] = found.p.value_or(kNan);
    }
    const auto adjusted = metrics::holm(p);
    for (size_t r = 0; r < adjusted.size(); ++r)
      if (!std::isnan(adjusted[r])) figures_.cells[r][c].p = adjusted[r];
  }

  void mark_best(size_t c) {
    const double sign = table_.columns[c].lower ? -1 : 1;
    size_t best = 0, ran = 0;
    for (size_t r = 0; r < table_.rows.size(); ++r) {
      const auto& value = figures_.cells[r][c].value;
      if (!value) continue;
      if (ran++ == 0 || sign * *value > sign * *figures_.cells[best][c].value) best = r;
    }
    if (ran < 2) return;
    std::vector<double> p;
    for (size_t r = 0; r < table_.rows.size(); ++r) {
      if (r == best || !figures_.cells[r][c].value) continue;
      if (!comparable(best, c) || !comparable(r, c)) return;
      const auto found = compare(evidence_[best][c].seeds, evidence_[r][c].seeds);
      // Ranks may favour one row and the mean the other, by a few cases: both must agree.
      if (!found.p || !found.interval) return;
      if (!(sign > 0 ? found.interval->low > 0 : found.interval->high < 0)) return;
      p.push_back(*found.p);
    }
    figures_.cells[best][c].best =
        std::ranges::all_of(metrics::holm(p), [](double value) { return value < kLevel; });
  }

  // Figures on unequal cases are not quite comparable: both numbers are told.
  void note_counts() {
    for (size_t r = 0; r < table_.rows.size(); ++r) {
      std::map<std::string, std::string> columns;  // what is said -> of which columns
      for (size_t c = 0; c < table_.columns.size(); ++c) {
        if (!comparable(r, c)) continue;
        size_t most = r;
        for (size_t other = 0; other < table_.rows.size(); ++other)
          if (comparable(other, c) &&
              figures_.cells[other][c].cases > figures_.cells[most][c].cases)
            most = other;
        if (most == r) continue;
        auto& list = columns[fmt::format("{} cases, {} has {}", figures_.cells[r][c].cases,
                                         label(table_.rows[most]), figures_.cells[most][c].cases)];
        list += (list.empty() ? "" : ", ") + full_label(table_.columns[c]);
      }
      for (const auto& [counts, list] : columns)
        note(fmt::format("{}: {}: {}", label(table_.rows[r]), list, counts));
    }
  }

  const TableFile& table_;
  const std::vector<std::vector<RowRun>>& runs_;
  Gatherer gatherer_;
  std::vector<std::vector<Evidence>> evidence_;
  Figures figures_;
};

}  // namespace

std::string full_label(const Column& column) {
  return column.block.empty() ? label(column) : column.block + ": " + label(column);
}

const std::string& label(const Row& row) { return row.label.empty() ? row.id : row.label; }
const std::string& label(const Column& column) {
  return column.label.empty() ? column.id : column.label;
}

Figures fill(const TableFile& table, const std::vector<std::vector<RowRun>>& runs,
             const runs::Reader& reader) {
  return Filling(table, runs, reader).fill();
}

}  // namespace hilum::report
