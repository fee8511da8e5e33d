// SPDX-License-Identifier: Apache-2.0
#include "core/runs/digest.hpp"

#include <charconv>

#include "core/util/sha256.hpp"

namespace hilum::runs {
namespace {

// Rows as bytes that can be read in one way only: each field is told with its length.
class Rows {
 public:
  void begin(const char* table) { text(table); }
  void add(const Query& row, int texts, int integers) {
    int column = 0;
    for (; column < texts; ++column) text(row.text(column));
    for (; column < texts + integers; ++column)
      row.null(column) ? null() : number(row.integer(column), 10);
    row.null(column) ? null() : number(row.number(column), std::chars_format::hex);
    flush(kFull);
  }
  void text(const std::string& value) {
    number(value.size(), 10);
    buffer_ += value;
  }
  std::string hex() { return flush(0), sum_.hex(); }

 private:
  static constexpr size_t kFull = 1 << 16;  // bytes that are hashed at once

  template <class T, class Format>
  void number(T value, Format format) {
    char digits[48];
    buffer_.append(digits, std::to_chars(digits, digits + sizeof digits, value, format).ptr);
    buffer_ += ':';
  }
  void null() { buffer_ += "null:"; }
  void flush(size_t least) {
    if (buffer_.size() >= least) sum_.add(buffer_), buffer_.clear();
  }

  std::string buffer_;
  util::Sha256 sum_;
};

// Texts first, then integers, then one number.
void add_table(Connection& store, Rows& rows, const std::string& run, const char* table, int texts,
               int integers, const char* sql) {
  rows.begin(table);
  auto query = store.query(sql);
  query.with(run);
  while (query.step()) rows.add(query, texts, integers);
}

}  // namespace

std::string figures_digest(Connection& store, const std::string& run) {
  Rows rows;
  auto config = store.query("SELECT config_hash FROM run WHERE id = ?1");
  config.with(run);
  rows.text("hilum figures 1");
  rows.text(config.step() ? config.text(0) : "");
  rows.begin("plugin");
  auto plugins = store.query(
      "SELECT kind, name, version, sha256 FROM plugin WHERE run = ?1 ORDER BY kind, name");
  plugins.with(run);
  while (plugins.step())
    for (int column = 0; column < 4; ++column) rows.text(plugins.text(column));
  add_table(store, rows, run, "metric", 2, 2,
            "SELECT split, name, step, epoch, value FROM metric WHERE run = ?1 "
            "ORDER BY split, name, step");
  // The triggers' copy is what lists and tables read, and can be edited by itself.
  add_table(store, rows, run, "final_metric", 2, 2,
            "SELECT split, name, step, epoch, value FROM final_metric WHERE run = ?1 "
            "ORDER BY split, name");
  // An order that the index holds already; within it rows keep theirs through VACUUM and copies.
  add_table(store, rows, run, "case_metric", 4, 1,
            "SELECT split, patient, nodule, name, slice, value FROM case_metric WHERE run = ?1 "
            "ORDER BY split, name, rowid");
  return rows.hex();
}

Seal seal_of(Connection& store, const std::string& run) {
  auto column = store.query("SELECT 1 FROM pragma_table_info('run') WHERE name = 'digest'");
  if (!column.step()) return Seal::none;  // an older store that cannot be written
  auto query = store.query("SELECT digest FROM run WHERE id = ?1 AND status = 'done'");
  query.with(run);
  if (!query.step() || query.null(0)) return Seal::none;
  return query.text(0) == figures_digest(store, run) ? Seal::fits : Seal::broken;
}

void write_seal(Connection& store, const std::string& run) {
  auto query = store.query("UPDATE run SET digest = ?2 WHERE id = ?1");
  query.with(run, figures_digest(store, run)).run();
}

}  // namespace hilum::runs
