// SPDX-License-Identifier: Apache-2.0
#include "core/runs/sqlite/connection.hpp"

#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>

#include "core/runs/process.hpp"
#include "core/runs/sqlite/migrations.hpp"
#include "core/util/files.hpp"

namespace hilum::runs {
namespace {
namespace fs = std::filesystem;

constexpr std::chrono::seconds kPatience{60};  // that a statement waits for other writers
constexpr int kLongLog = 1000;                 // pages of 4 KiB; SQLite's own measure

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

// SQLite's own way to wait sleeps longer the longer it has waited, so that of many processes the
// newest gets its turn and the oldest gives up. Here everybody has the same chance every moment.
int wait_a_moment(void* waiting, int times) {
  auto& [since, random] = *static_cast<Connection::Waiting*>(waiting);
  const auto now = std::chrono::steady_clock::now();
  if (times == 0) since = now;
  if (now - since > kPatience) return 0;
  std::this_thread::sleep_for(
      std::chrono::microseconds(std::uniform_int_distribution(500, 5000)(random)));
  return 1;
}

// Changing to WAL needs the file alone for a moment and does not wait for it by itself.
void use_wal(Connection& connection) {
  for (int times = 0;; ++times) {
    try {
      connection.database.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (const SQLite::Exception& e) {
      if (e.getErrorCode() != SQLITE_BUSY || wait_a_moment(&connection.waiting, times) == 0) throw;
    }
  }
}

// Where a disk is full, SQLite says that it is, or that it cannot read, write or open something.
bool disk_is_full(const fs::path& folder, int code) {
  std::error_code none;
  const bool perhaps = code == SQLITE_IOERR || code == SQLITE_CANTOPEN;
  return code == SQLITE_FULL || (perhaps && fs::space(folder, none).available < (1U << 18));
}

[[noreturn]] void fail(const fs::path& folder, const std::string& doing,
                       const SQLite::Exception& e) {
  std::string what = (folder / "hilum.db").string() + ": " + doing + e.what();
  if (disk_is_full(folder, e.getErrorCode())) {
    if (e.getErrorCode() != SQLITE_FULL) what += ": the disk is full";  // else it says so itself
    throw util::DiskFull(what + ". Free some space on this disk.");
  }
  switch (e.getErrorCode()) {
    case SQLITE_BUSY:
      what += ". Another process has held it for " + std::to_string(kPatience.count()) +
              " seconds: is one stopped?";
      break;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      what += ". Move it away; the runs' folders beside it stay.";
      break;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      what += ". Set HILUM_RUNS to a folder that you may write.";
      break;
    default:
      break;
  }
  throw Error(what);
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
    : folder(std::move(folder)), database(uri, flags) {
  waiting.random.seed(std::random_device()());
  sqlite3_busy_handler(database.getHandle(), wait_a_moment, &waiting);
  database.exec("PRAGMA foreign_keys = ON");
  database.createFunction("hilum_status", 4, false, nullptr, status_function);
}

Query Connection::query(const std::string& sql) {
  auto& statement = statements_[sql];
  if (!statement) statement = std::make_unique<SQLite::Statement>(database, sql);
  return Query(*statement);
}

void Connection::tidy() {
  if (log_pages < kLongLog) return;
  // Where readers or another process are in the way, a later call does the rest.
  sqlite3_wal_checkpoint_v2(database.getHandle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr,
                            nullptr);
  log_pages = 0;
}

void Connection::fail(const SQLite::Exception& e) const { runs::fail(folder, "", e); }

bool Connection::exists(const fs::path& folder) {
  const fs::path file = folder / "hilum.db";
  if (access(file.c_str(), R_OK) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  throw Error(file.string() + ": cannot be read: " + std::strerror(errno) +
              ". Its owner may let you; HILUM_RUNS names another folder.");
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
    use_wal(*connection);
    // A checkpoint is on the disk when it says what was logged; so is that, after a power cut too.
    connection->database.exec("PRAGMA synchronous = FULL");
    const auto count_pages = [](void* self, sqlite3*, const char*, int pages) {
      static_cast<Connection*>(self)->log_pages = pages;
      return SQLITE_OK;
    };
    sqlite3_wal_hook(connection->database.getHandle(), count_pages, connection.get());
    migrate(connection->database, migrations(), file);
    return connection;
  } catch (const SQLite::Exception& e) {
    runs::fail(folder, "cannot be opened for writing: ", e);
  }
}

std::unique_ptr<Connection> Connection::readable(const fs::path& folder) {
  const fs::path file = folder / "hilum.db";
  if (!exists(folder)) return nullptr;
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
      const int code = e.getErrorCode();
      if (code != SQLITE_CANTOPEN && code != SQLITE_READONLY && !disk_is_full(folder, code)) throw;
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
