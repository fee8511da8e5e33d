// SPDX-License-Identifier: Apache-2.0
// `hilum runs sql`: anything that reads. The file is open for reading only, and beyond that every
// statement is asked what it is about to do, since ATTACH and VACUUM INTO write elsewhere.
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "core/runs/ask/find.hpp"
#include "core/runs/reader.hpp"
#include "hilum/names.hpp"

namespace hilum::runs {
namespace {

int only_reading(void*, int action, const char* first, const char* second, const char*,
                 const char*) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_UPDATE:  // how SQLite declares pragma_table_info() and its like; no file changes
      return std::strcmp(first, "sqlite_master") == 0 ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_FUNCTION:
      return std::strcmp(second, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_PRAGMA: {
      static constexpr std::array kReading{
          "table_info",  "table_xinfo",      "table_list",    "index_list",
          "index_info",  "foreign_key_list", "database_list", "integrity_check",
          "quick_check", "foreign_key_check"};
      if (std::any_of(kReading.begin(), kReading.end(),
                      [&](const char* name) { return std::strcmp(name, first) == 0; }))
        return SQLITE_OK;
      const bool version = std::strcmp(first, "user_version") == 0 && second == nullptr;
      return version ? SQLITE_OK : SQLITE_DENY;
    }
    default:
      return SQLITE_DENY;
  }
}

// While it lives the connection takes only statements that read.
struct OnlyReading {
  explicit OnlyReading(sqlite3* handle) : handle(handle) {
    sqlite3_set_authorizer(handle, only_reading, nullptr);
  }
  ~OnlyReading() { sqlite3_set_authorizer(handle, nullptr, nullptr); }
  sqlite3* handle;
};

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

// The tables and views, and for an unknown column the columns too: what a person looks up next.
std::string what_there_is(Connection& store, const std::string& message) {
  const bool table = message.find("no such table") != std::string::npos;
  if (!table && message.find("no such column") == std::string::npos) return "";
  Strings tables, columns;
  auto query = store.query(
      "SELECT m.name, group_concat(c.name, ', ') FROM sqlite_master m, pragma_table_info(m.name) c "
      "WHERE m.type IN ('table', 'view') GROUP BY m.name ORDER BY m.type, m.name");
  std::string text;
  while (query.step()) {
    tables.push_back(query.text(0));
    text += "\n  " + query.text(0) + " (" + query.text(1) + ")";
  }
  const std::string word = message.substr(message.rfind(' ') + 1);
  const std::string near = table ? nearest(word, tables) : "";
  return (near.empty() ? "" : " Did you mean '" + near + "'?") +
         std::string("\nTables and views:") + text;
}

Error refused(Connection& store, int code, const std::string& message) {
  if (code == SQLITE_AUTH)
    return Error("sql: only queries are allowed here (select, with, values, explain): " + message +
                     ". The store is written by `hilum` alone.",
                 Fault::request);
  const Fault fault = code == SQLITE_ERROR ? Fault::request : Fault::work;
  return Error("sql: " + message + "." + what_there_is(store, message), fault);
}

Statement prepare(Connection& store, const std::string& text) {
  sqlite3* const handle = store.database.getHandle();
  sqlite3_stmt* raw = nullptr;
  const char* rest = nullptr;
  int code = SQLITE_OK;
  std::string message;
  {
    const OnlyReading only(handle);
    code = sqlite3_prepare_v2(handle, text.c_str(), -1, &raw, &rest);
    message = sqlite3_errmsg(handle);
  }
  Statement statement(raw);
  if (code != SQLITE_OK) throw refused(store, code, message);
  if (!statement)
    throw Error("sql: nothing to do. Give a query: hilum runs sql \"select ...\"", Fault::request);
  if (sqlite3_stmt_readonly(raw) == 0) throw refused(store, SQLITE_AUTH, "this one writes");
  for (; *rest != '\0'; ++rest)
    if (std::strchr(" \t\r\n;", *rest) == nullptr)
      throw Error("sql: one query at a time, there is more: '" + std::string(rest) + "'.",
                  Fault::request);
  return statement;
}

// The shortest text that reads back as the same number: SQLite's own has 15 digits.
std::string exact(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.begin(), text.end(), value).ptr;
  const std::string digits(text.begin(), end);
  return digits.find_first_of(".e") == std::string::npos ? digits + ".0" : digits;
}

Cell cell(sqlite3_stmt* statement, int column) {
  const int type = sqlite3_column_type(statement, column);
  if (type == SQLITE_NULL) return {};
  const double value = type == SQLITE_FLOAT ? sqlite3_column_double(statement, column) : 0;
  if (type == SQLITE_FLOAT && std::isfinite(value)) return {exact(value), true};
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
  return {text ? text : "", type == SQLITE_INTEGER || type == SQLITE_FLOAT};
}

}  // namespace

Answer Reader::sql(const std::string& text) const {
  if (!impl_->store) throw empty_store(impl_->folder);
  Connection& store = *impl_->store;
  const std::lock_guard lock(store.mutex);
  const Statement statement = prepare(store, text);
  Answer answer;
  const int columns = sqlite3_column_count(statement.get());
  for (int i = 0; i < columns; ++i)
    answer.columns.push_back(sqlite3_column_name(statement.get(), i));
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
    auto& row = answer.rows.emplace_back();
    for (int i = 0; i < columns; ++i) row.push_back(cell(statement.get(), i));
  }
  if (code != SQLITE_DONE) throw refused(store, code, sqlite3_errmsg(store.database.getHandle()));
  return answer;
}

}  // namespace hilum::runs
