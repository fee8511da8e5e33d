// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/report/table/print_parts.hpp"

namespace hilum::report {
namespace {

using Notes = std::vector<std::pair<std::string, Strings>>;

// "30", or "28 to 30".
std::string range(const std::set<int64_t>& numbers) {
  return numbers.size() == 1 ? std::to_string(*numbers.begin())
                             : fmt::format("{} to {}", *numbers.begin(), *numbers.rbegin());
}

template <class F>
void each_cell(const Figures& figures, F&& use) {
  for (size_t r = 0; r < figures.cells.size(); ++r)
    for (size_t c = 0; c < figures.cells[r].size(); ++c) use(figures.cells[r][c], r, c);
}

// "1 patient", "2 to 5 patients".
std::string counted(const std::set<int64_t>& numbers, const std::string& thing) {
  return range(numbers) + " " + thing + (numbers == std::set<int64_t>{1} ? "" : "s");
}

// "Test set: Dice" after "Test set: IoU" is "Dice".
std::string without_block(const std::string& name, const std::string& before) {
  const auto colon = name.find(": ");
  const bool same = colon != std::string::npos && before.starts_with(name.substr(0, colon + 2));
  return same ? name.substr(colon + 2) : name;
}

// "Dice, IoU" -> what is said of these columns, in the order of the table.
Strings grouped(const std::vector<std::pair<std::string, std::string>>& labels_and_texts) {
  std::vector<std::pair<std::string, std::string>> groups;  // text, labels
  for (const auto& [name, text] : labels_and_texts) {
    const auto found = std::ranges::find(groups, text, &std::pair<std::string, std::string>::first);
    if (found == groups.end())
      groups.emplace_back(text, name);
    else
      found->second += ", " + without_block(name, found->second);
  }
  Strings lines;
  for (const auto& [text, names] : groups) lines.push_back(names + ": " + text);
  return lines;
}

Strings spreads(const Figures& figures) {
  std::set<int64_t> patients, seeds;
  each_cell(figures, [&](const Cell& cell, size_t, size_t) {
    if (cell.low) patients.insert(cell.patients);
    if (cell.spread) seeds.insert(cell.seeds);
  });
  Strings lines;
  if (!patients.empty())
    lines.push_back("[low, high]: 95 % bootstrap over " + counted(patients, "patient") +
                    ", 2000 resamples.");
  if (!seeds.empty())
    lines.push_back(fmt::format("±: standard deviation of {} seeds.", range(seeds)));
  return lines;
}

Strings cases_behind(const TableFile& table, const Figures& figures) {
  std::vector<std::pair<std::string, std::string>> columns;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    std::set<int64_t> cases, patients;
    for (const auto& row : figures.cells)
      if (row[c].value && row[c].cases > 0)
        cases.insert(row[c].cases), patients.insert(row[c].patients);
    const Column& column = table.columns[c];
    const bool slices = column.average.ends_with("slice");
    const bool nonempty = column.average.starts_with("nonempty_");
    if (!cases.empty())
      columns.emplace_back(
          full_label(column),
          fmt::format("{} of {}{}{}", counted(cases, slices ? "slice" : "nodule"),
                      counted(patients, "patient"),
                      column.average.ends_with("patient") ? ", each patient with equal weight" : "",
                      nonempty ? ", without those of which a mask is empty" : ""));
  }
  return grouped(columns);
}

Strings reading(const TableFile& table, const Figures& figures) {
  Strings lines = spreads(figures);
  bool paper = false, best = false, compared = false;
  for (const auto& row : table.rows) paper = paper || !row.paper.empty();
  std::set<size_t> ran;
  each_cell(figures, [&](const Cell& cell, size_t r, size_t) {
    best = best || cell.best, compared = compared || cell.difference;
    if (cell.value) ran.insert(r);
  });
  if (paper) lines.push_back("paper: the published figure, on the paper's own data.");
  const std::string rule =
      "distinguishable from each other row that ran: a paired test (Holm, 5 %), and the 95 % "
      "interval of the difference leaves out 0.";
  if (best)
    lines.push_back("Best: marked only where " + rule);
  else if (ran.size() > 1)
    lines.push_back("Best: in no column is one row " + rule);
  if (compared) {
    lines.push_back(
        "Differences: of the figures on the patients that both rows have, with 95 % bootstrap over "
        "these patients.");
    lines.push_back(
        "p: two-sided, Holm over the rows of a column. Masks and errors: Wilcoxon's signed-rank "
        "test of patients' means; accuracies: sign flips of patients' shares; AUC: DeLong (nodules "
        "taken as independent; the first seed).");
  }
  Strings lower;
  for (const auto& column : table.columns)
    if (column.lower && std::ranges::find(lower, label(column)) == lower.end())
      lower.push_back(label(column));
  if (!lower.empty()) lines.push_back("Smaller is better: " + join(lower, ", ") + ".");
  return lines;
}

// Long enough to differ from each other; the time in an id is its first ten characters.
size_t id_length(const std::vector<std::vector<RowRun>>& runs) {
  std::set<std::string> ids;
  for (const auto& row : runs)
    for (const auto& run : row)
      if (run.cases.empty()) ids.insert(run.id);
  for (size_t length = 10; length < 26; ++length) {
    std::set<std::string> prefixes;
    for (const auto& id : ids) prefixes.insert(id.substr(0, length));
    if (prefixes.size() == ids.size()) return length;
  }
  return 26;
}

Strings runs_behind(const TableFile& table, const std::vector<std::vector<RowRun>>& runs) {
  const size_t length = id_length(runs);
  Strings lines;
  for (size_t r = 0; r < table.rows.size(); ++r) {
    if (runs[r].empty()) continue;
    Strings words;
    for (const auto& run : runs[r])
      words.push_back(
          fmt::format("{} ({}, seed {})", run.cases.empty() ? run.id.substr(0, length) : run.id,
                      run.set == "test" ? "test" : fmt::format("fold {}", run.fold), run.seed));
    lines.push_back(label(table.rows[r]) + ": " + join(words, ", "));
  }
  return lines;
}

// Why a row has no figures, or a column of a row none.
Strings gaps(const TableFile& table, const Figures& figures) {
  Strings lines;
  for (size_t r = 0; r < table.rows.size(); ++r) {
    std::vector<std::pair<std::string, std::string>> columns;
    for (size_t c = 0; c < table.columns.size(); ++c)
      if (const Cell& cell = figures.cells[r][c];
          !cell.value && cell.empty.find(':') != std::string::npos)
        columns.emplace_back(full_label(table.columns[c]), cell.empty);
    const bool all =
        columns.size() == table.columns.size() &&
        std::ranges::all_of(columns, [&](const auto& c) { return c.second == columns[0].second; });
    if (all && !columns.empty())
      lines.push_back(label(table.rows[r]) + ": " + columns[0].second);
    else
      for (const auto& line : grouped(columns)) lines.push_back(label(table.rows[r]) + ": " + line);
    if (!table.rows[r].note.empty() && !table.rows[r].experiment.empty())
      lines.push_back(label(table.rows[r]) + ": " + table.rows[r].note);
  }
  return lines;
}

}  // namespace

Notes notes_of(const TableFile& table, const Figures& figures,
               const std::vector<std::vector<RowRun>>& runs, const Context& context) {
  Strings differs = table.differs;
  differs.insert(differs.end(), context.budget.begin(), context.budget.end());
  Strings rest = gaps(table, figures);
  rest.insert(rest.end(), figures.notes.begin(), figures.notes.end());
  Notes notes = {{"How to read it", reading(table, figures)},
                 {"Cases", cases_behind(table, figures)},
                 {"What differs from the paper", differs},
                 {"Notes", rest},
                 {"Runs", runs_behind(table, runs)}};
  std::erase_if(notes, [](const auto& note) { return note.second.empty(); });
  return notes;
}

}  // namespace hilum::report
