// SPDX-License-Identifier: Apache-2.0
// For programs: every number with all its digits.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/report/table/print_parts.hpp"

namespace hilum::report {
namespace {

using Json = nlohmann::ordered_json;  // keys in the order a person reads them

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string number(const Column& column, const std::optional<double>& value) {
  return value ? fmt::format("{}", *value * column.scale) : "";
}

const char* kind(const Cell& cell) { return cell.spread ? "seeds" : cell.low ? "bootstrap" : ""; }

std::optional<double> paper(const Row& row, const Column& column) {
  const auto found = row.paper.find(column.id);
  return found == row.paper.end() ? std::nullopt : std::optional(found->second);
}

std::string csv_line(const Row& row, const Column& column, const Cell& cell) {
  const auto published = paper(row, column);
  const Strings fields = {row.id,
                          column.id,
                          number(column, cell.value),
                          number(column, cell.low),
                          number(column, cell.high),
                          number(column, cell.spread),
                          kind(cell),
                          std::to_string(cell.cases),
                          std::to_string(cell.patients),
                          std::to_string(cell.seeds),
                          std::to_string(cell.folds),
                          published ? fmt::format("{}", *published) : "",
                          number(column, cell.difference),
                          cell.p ? fmt::format("{}", *cell.p) : "",
                          join(cell.runs, " "),
                          number(column, cell.difference_low),
                          number(column, cell.difference_high),
                          cell.best ? "1" : "0",
                          cell.empty};
  std::string line;
  for (const auto& field : fields) line += (line.empty() ? "" : ",") + quoted(field);
  return line + "\n";
}

Json optional(const std::optional<double>& value, double scale = 1) {
  return value ? Json(*value * scale) : Json();
}

Json cell_json(const Row& row, const Column& column, const Cell& cell) {
  const double scale = column.scale;
  return {{"column", column.id},
          {"value", optional(cell.value, scale)},
          {"low", optional(cell.low, scale)},
          {"high", optional(cell.high, scale)},
          {"spread", optional(cell.spread, scale)},
          {"kind", *kind(cell) ? Json(kind(cell)) : Json()},
          {"best", cell.best},
          {"paper", optional(paper(row, column))},
          {"cases", cell.cases},
          {"patients", cell.patients},
          {"seeds", cell.seeds},
          {"folds", cell.folds},
          {"difference", optional(cell.difference, scale)},
          {"difference_low", optional(cell.difference_low, scale)},
          {"difference_high", optional(cell.difference_high, scale)},
          {"p", optional(cell.p)},
          {"runs", cell.runs},
          {"empty", cell.empty.empty() ? Json() : Json(cell.empty)}};
}

Json columns_json(const TableFile& table) {
  Json columns = Json::array();
  for (const auto& c : table.columns)
    columns.push_back({{"id", c.id},
                       {"label", label(c)},
                       {"metric", c.metric},
                       {"average", c.average},
                       {"name", c.name()},
                       {"set", c.set},
                       {"digits", c.digits},
                       {"scale", c.scale},
                       {"lower", c.lower}});
  return columns;
}

Json row_json(const TableFile& table, size_t r, const Figures& figures,
              const std::vector<RowRun>& runs) {
  const Row& row = table.rows[r];
  Json of_row = {{"id", row.id},
                 {"label", label(row)},
                 {"note", row.note},
                 {"experiment", row.experiment.empty() ? Json() : Json(row.experiment.string())},
                 {"overrides", row.overrides},
                 {"runs", Json::array()},
                 {"cells", Json::array()}};
  for (const auto& run : runs)
    of_row["runs"].push_back(
        {{"id", run.id}, {"set", run.set}, {"seed", run.seed}, {"fold", run.fold}});
  for (size_t c = 0; c < table.columns.size(); ++c)
    of_row["cells"].push_back(cell_json(row, table.columns[c], figures.cells[r][c]));
  return of_row;
}

}  // namespace

std::string print_csv(const TableFile& table, const Figures& figures) {
  std::string text =
      "row,column,value,low,high,spread,kind,cases,patients,seeds,folds,paper,difference,p,runs,"
      "difference_low,difference_high,best,empty\n";
  for (size_t r = 0; r < table.rows.size(); ++r)
    for (size_t c = 0; c < table.columns.size(); ++c)
      text += csv_line(table.rows[r], table.columns[c], figures.cells[r][c]);
  return text;
}

std::string print_json(const TableFile& table, const Figures& figures,
                       const std::vector<std::vector<RowRun>>& runs, const Context& context) {
  Json json = {{"name", table.name},
               {"title", table.title},
               {"source", table.source},
               {"baseline", table.baseline},
               {"profile", {{"name", context.profile}, {"note", context.profile_note}}},
               {"command", context.command},
               {"date", context.date},
               {"commit", context.commit},
               {"dirty", context.dirty},
               {"machine", context.machine},
               {"differs", table.differs},
               {"budget", context.budget},
               {"columns", columns_json(table)},
               {"rows", Json::array()},
               {"notes", figures.notes}};
  for (size_t r = 0; r < table.rows.size(); ++r)
    json["rows"].push_back(row_json(table, r, figures, runs[r]));
  // Bytes that are no UTF-8 must not cost the whole answer.
  return json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace hilum::report
