// SPDX-License-Identifier: Apache-2.0
// `hilum runs list --columns`.
#include <algorithm>
#include <sstream>

#include "core/runs/print/print.hpp"
#include "core/runs/print/print_json.hpp"
#include "core/runs/print/print_parts.hpp"
#include "core/util/fit.hpp"
#include "core/util/text.hpp"

namespace hilum::runs {
namespace {

bool is_tags(const std::string& column) { return column == "tags" || column == "tag"; }
bool is_time(const std::string& column) { return column == "started" || column == "ended"; }

// Tags have commas between them, which none has within.
std::string spaced(std::string tags) {
  std::replace(tags.begin(), tags.end(), ',', ' ');
  return tags;
}

Json tags_json(const Cell& cell) {
  Json list = Json::array();
  std::istringstream tags(cell.text.value_or(""));
  for (std::string tag; std::getline(tags, tag, ',');) list.push_back(tag);
  return list;
}

// Every value as it is: what programs read.
std::string whole(const Listing& listing, size_t column, const Cell& cell) {
  const std::string text = cell.text.value_or("");
  return is_tags(listing.columns[column]) ? spaced(text) : text;
}

// What people read.
std::string brief(const Listing& listing, const Listing::Row& row, size_t column) {
  const std::string& name = listing.columns[column];
  const Cell& cell = row.cells[column];
  if (name == "id") return row.short_id;
  if (is_time(name)) return local_time(cell.text.value_or(""));
  if (listing.metric[column] && cell.text) return shown(std::stod(*cell.text));
  return whole(listing, column, cell);
}

Rows brief_rows(const Listing& listing) {
  Rows rows{listing.columns};
  for (const auto& row : listing.rows) {
    rows.emplace_back();
    for (size_t c = 0; c < row.cells.size(); ++c) rows.back().push_back(brief(listing, row, c));
  }
  return rows;
}

}  // namespace

std::string listing_table(const Listing& listing, size_t width) {
  return util::table(util::fit(brief_rows(listing), width, {"id", "status", "result"}));
}

std::string listing_md(const Listing& listing) { return markdown(brief_rows(listing)); }

std::string listing_json(const Listing& listing) {
  Json list = Json::array();
  for (const auto& row : listing.rows) {
    Json object{{"id", row.id}};
    for (size_t c = 0; c < row.cells.size(); ++c) {
      const auto& name = listing.columns[c];
      object[name] = is_tags(name) ? tags_json(row.cells[c]) : value_json(row.cells[c]);
    }
    list.push_back(std::move(object));
  }
  return dump(list);
}

std::string listing_csv(const Listing& listing) {
  Rows rows{listing.columns};
  for (const auto& row : listing.rows) {
    rows.emplace_back();
    for (size_t c = 0; c < row.cells.size(); ++c)
      rows.back().push_back(whole(listing, c, row.cells[c]));
  }
  return csv(rows);
}

}  // namespace hilum::runs
