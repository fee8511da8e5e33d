// SPDX-License-Identifier: Apache-2.0
#include "core/report/table/print.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/report/table/print_parts.hpp"

namespace hilum::report {
namespace {

std::string interval(const Column& column, double low, double high, bool sign) {
  return fmt::format("[{}, {}]", shown(column, low, sign), shown(column, high, sign));
}

Word ours(const Column& column, const Cell& cell) {
  if (!cell.value) return {Word::Kind::plain, cell.empty.starts_with("not run") ? "not run" : "-"};
  std::string text = shown(column, *cell.value);
  if (cell.spread) text += " ± " + shown(column, *cell.spread);
  if (cell.low && cell.high) text += " " + interval(column, *cell.low, *cell.high, false);
  return {cell.best ? Word::Kind::best : Word::Kind::ours, text};
}

std::string p_text(double p) {
  return p < 0.001 ? "p < 0.001" : fmt::format("p = {:.{}f}", p, p < 0.1 ? 3 : 2);
}

Group figures_of(const TableFile& table, const Figures& figures, size_t c) {
  const Column& column = table.columns[c];
  const bool published = std::ranges::any_of(
      table.rows, [&](const Row& row) { return row.paper.count(column.id) > 0; });
  Group group{{{{Word::Kind::plain, label(column)}}}, column.block};
  if (published) group.words[0].push_back({Word::Kind::paper, "paper"});
  for (size_t r = 0; r < table.rows.size(); ++r) {
    auto& words = group.words.emplace_back(std::vector{ours(column, figures.cells[r][c])});
    if (!published) continue;
    const auto found = table.rows[r].paper.find(column.id);
    words.push_back(
        {Word::Kind::paper, found == table.rows[r].paper.end()
                                ? ""
                                : fmt::format("{:.{}f}", found->second, column.digits)});
  }
  return group;
}

void compare(const TableFile& table, const Figures& figures, Sheet& sheet) {
  std::vector<size_t> rows;
  for (size_t r = 0; r < table.rows.size(); ++r)
    if (std::ranges::any_of(figures.cells[r],
                            [](const Cell& c) { return c.difference.has_value(); }))
      rows.push_back(r);
  if (rows.empty()) return;
  const auto base = std::ranges::find(table.rows, table.baseline, &Row::id);
  sheet.versus = "Difference from " + label(*base);
  sheet.compared_labels.push_back({});
  for (const size_t r : rows)
    sheet.compared_labels.push_back({Word::Kind::plain, label(table.rows[r])});
  for (size_t c = 0; c < table.columns.size(); ++c) {
    const Column& column = table.columns[c];
    if (std::ranges::none_of(rows,
                             [&](size_t r) { return figures.cells[r][c].difference.has_value(); }))
      continue;
    Group group{{{{Word::Kind::plain, label(column)}}}, column.block};
    for (const size_t r : rows) {
      const Cell& cell = figures.cells[r][c];
      std::string text = cell.difference ? shown(column, *cell.difference, true) : "-";
      if (cell.difference_low && cell.difference_high)
        text += " " + interval(column, *cell.difference_low, *cell.difference_high, true);
      if (cell.p) text += ", " + p_text(*cell.p);
      group.words.push_back({{Word::Kind::ours, text}});
    }
    sheet.compared.push_back(std::move(group));
  }
}

Strings head_of(const TableFile& table, const Context& context) {
  Strings lines;
  const auto add = [&](const std::string& name, const std::string& text) {
    if (!text.empty()) lines.push_back(name + ": " + text);
  };
  add("Paper", table.source);
  add("Profile",
      context.profile + (context.profile_note.empty() ? "" : ": " + context.profile_note));
  add("Command", context.command);
  add("Date", context.date);
  add("Commit", context.commit + (context.dirty ? ", with changes that are not committed" : ""));
  add("Machine", context.machine);
  return lines;
}

}  // namespace

std::string shown(const Column& column, double value, bool sign) {
  const std::string text = fmt::format("{:.{}f}", value * column.scale, column.digits);
  const bool zero = text.find_first_not_of("-0.") == std::string::npos;
  if (zero) return text.substr(text.front() == '-');  // no "-0.000"
  return (sign && text.front() != '-' ? "+" : "") + text;
}

Words side_by_side(const std::vector<Word>& labels, const std::vector<Group>& groups, size_t begin,
                   size_t end) {
  Words all;
  for (size_t r = 0; r < labels.size(); ++r) {
    all.push_back({labels[r]});
    for (size_t g = begin; g < end; ++g)
      all[r].insert(all[r].end(), groups[g].words[r].begin(), groups[g].words[r].end());
  }
  return all;
}

void each_block(const std::vector<Group>& groups,
                const std::function<void(const std::string&, size_t, size_t)>& visit) {
  for (size_t begin = 0; begin < groups.size();) {
    size_t end = begin;
    while (end < groups.size() && groups[end].block == groups[begin].block) ++end;
    visit(groups[begin].block, begin, end);
    begin = end;
  }
}

Sheet lay_out(const TableFile& table, const Figures& figures,
              const std::vector<std::vector<RowRun>>& runs, const Context& context) {
  Sheet sheet{.title = table.title.empty() ? table.name : table.title,
              .head = head_of(table, context),
              .labels = {{}}};
  for (const auto& row : table.rows) sheet.labels.push_back({Word::Kind::plain, label(row)});
  for (size_t c = 0; c < table.columns.size(); ++c)
    sheet.groups.push_back(figures_of(table, figures, c));
  compare(table, figures, sheet);
  sheet.notes = notes_of(table, figures, runs, context);
  return sheet;
}

Format format_of(const std::string& name) {
  static const std::vector<std::pair<std::string, Format>> known = {{"text", Format::text},
                                                                    {"md", Format::md},
                                                                    {"csv", Format::csv},
                                                                    {"latex", Format::latex},
                                                                    {"json", Format::json}};
  if (name.empty()) return Format::text;
  Strings names;
  for (const auto& [format_name, format] : known) {
    if (format_name == name) return format;
    names.push_back(format_name);
  }
  throw Error("--format: no format '" + name + "'." + suggestion(name, names), Fault::request);
}

std::string print(const TableFile& table, const Figures& figures,
                  const std::vector<std::vector<RowRun>>& runs, const Context& context,
                  Format format) {
  if (format == Format::csv) return print_csv(table, figures);
  if (format == Format::json) return print_json(table, figures, runs, context);
  const Sheet sheet = lay_out(table, figures, runs, context);
  return format == Format::md      ? print_md(sheet)
         : format == Format::latex ? print_latex(sheet)
                                   : print_text(sheet);
}

}  // namespace hilum::report
