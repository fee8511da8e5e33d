// SPDX-License-Identifier: Apache-2.0
#include "core/runs/connection.hpp"

#include <sqlite3.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "core/runs/migrations.hpp"
#include "core/runs/process.hpp"

namespace hilum::runs {
namespace {
namespace fs = std::filesystem;

constexpr int kPatience = 20000;  // ms that a statement waits for other writers

// hilum_status(status, pid, boot, heartbeat): 'crashed' for a run that says running and is not.
void status_function(sqlite3_context* context, int, sqlite3_value** values) {
  const auto text = [&](int i) {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_value_text(values[i]));
    return std::string(bytes ? bytes : "");
  };
  std::string status = text(0);
  if (status == "running" && crashed({sqlite3_value_int64(values[1]), text(2)}, text(3)))
    status = "crashed";
  sqlite3_result_text(context, status.c_str(), static_cast<int>(status.size()), SQLITE_TRANSIENT);
}

// A path as SQLite's URI, which is the only way to say `immutable`.
std::string uri(const fs::path& file, const char* query) {
  std::string text = "file:";
  for (const char c : fs::absolute(file).string()) {
    if (c == '%' || c == '?' || c == '#')
      text += c == '%' ? "%25" : c == '?' ? "%3f" : "%23";
    else
      text += c;
  }
  return text + query;
}

// Changing to WAL needs the file alone for a moment and does not wait for it by itself.
void use_wal(SQLite::Database& database) {
  for (int waited = 0;; waited += 10) {
    try {
      database.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (const SQLite::Exception& e) {
      if (e.getErrorCode() != SQLITE_BUSY || waited > kPatience) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
}

// SQLite ignores the log of a file that it takes for immutable: the newest figures would be
// missing.
void refuse_unread_log(const fs::path& file) {
  std::error_code none;
  const fs::path log = file.string() + "-wal";
  if (fs::exists(log, none) && fs::file_size(log, none) > 0)
    throw Error(file.string() + ": cannot be read here: '" + log.filename().string() +
                "' holds newer rows and the folder cannot be written. Copy the folder to where you "
                "may write.");
}

}  // namespace

Query::~Query() {
  if (statement_ != nullptr) statement_->tryReset();
}

double Query::number(int column) const {
  return null(column) ? std::numeric_limits<double>::quiet_NaN()
                      : statement_->getColumn(column).getDouble();
}

void Query::bind(int index, const std::optional<int64_t>& value) {
  value ? statement_->bind(index, *value) : statement_->bind(index);
}

void Query::bind(int index, const std::optional<double>& value) {
  value ? statement_->bind(index, *value) : statement_->bind(index);
}

Connection::Connection(fs::path folder, const std::string& uri, int flags)
    : folder(std::move(folder)), database(uri, flags, kPatience) {
  database.exec("PRAGMA foreign_keys = ON");
  database.createFunction("hilum_status", 4, false, nullptr, status_function);
}

Query Connection::query(const std::string& sql) {
  auto& statement = statements_[sql];
  if (!statement) statement = std::make_unique<SQLite::Statement>(database, sql);
  return Query(*statement);
}

Error Connection::explain(const SQLite::Exception& e) const {
  std::string what = file().string() + ": " + e.what();
  switch (e.getErrorCode()) {
    case SQLITE_BUSY:
      what += ". Another process has held it for too long.";
      break;
    case SQLITE_FULL:
      what += ". Free some space on this disk.";
      break;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      what += ". Move it away; the runs' folders beside it stay.";
      break;
    case SQLITE_READONLY:
      what += ". Set HILUM_RUNS to a folder that you may write.";
      break;
    default:
      break;
  }
  return Error(what, Fault::work);
}

std::unique_ptr<Connection> Connection::writable(const fs::path& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  const fs::path file = folder / "hilum.db";
  if (failed)
    throw Error(folder.string() + ": the folder of the run store cannot be made: " +
                failed.message() + ". Set HILUM_RUNS to a folder that you may write.");
  try {
    auto connection = std::make_unique<Connection>(
        folder, uri(file, ""), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_URI);
    use_wal(connection->database);
    connection->database.exec("PRAGMA synchronous = NORMAL");
    migrate(connection->database, migrations(), file);
    return connection;
  } catch (const SQLite::Exception& e) {
    throw Error(file.string() + ": cannot be opened for writing: " + e.what() +
                ". Set HILUM_RUNS to a folder that you may write.");
  }
}

std::unique_ptr<Connection> Connection::readable(const fs::path& folder) {
  const fs::path file = folder / "hilum.db";
  std::error_code none;
  if (!fs::exists(file, none)) return nullptr;
  const auto open_as = [&](const char* query) {
    auto connection = std::make_unique<Connection>(folder, uri(file, query),
                                                   SQLite::OPEN_READONLY | SQLite::OPEN_URI);
    const int known = connection->database.execAndGet("PRAGMA user_version").getInt();
    connection->database.execAndGet("SELECT count(*) FROM sqlite_master");  // the first real read
    return std::pair(std::move(connection), known);
  };
  const auto open = [&] {
    try {
      return open_as("");
    } catch (const SQLite::Exception& e) {
      if (e.getErrorCode() != SQLITE_CANTOPEN && e.getErrorCode() != SQLITE_READONLY) throw;
      refuse_unread_log(file);
      return open_as("?immutable=1");
    }
  };
  try {
    auto [connection, version] = open();
    if (version == 0) return nullptr;  // its creator died, or is about to write the tables
    refuse_newer(version, migrations().size(), file);
    if (version == static_cast<int>(migrations().size())) return std::move(connection);
    connection.reset();
    try {
      writable(folder);  // an older store: brought up to date, where that is possible
    } catch (const Error&) {
      // An archive is read as it is: what later versions added is looked for before it is asked
      // for.
    }
    return open().first;
  } catch (const SQLite::Exception& e) {
    throw Error(file.string() + ": cannot be read: " + e.what());
  }
}

}  // namespace hilum::runs
