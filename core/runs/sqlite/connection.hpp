// SPDX-License-Identifier: Apache-2.0
// One connection to the store's SQLite file, with prepared statements that are kept.
#pragma once
#include <SQLiteCpp/SQLiteCpp.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>

#include "hilum/error.hpp"

namespace hilum::runs {

/// A prepared statement in use; reset when it goes, so that no read lock stays behind.
class Query {
 public:
  explicit Query(SQLite::Statement& statement) : statement_(&statement) {}
  Query(Query&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  Query& operator=(Query&&) = delete;
  ~Query();
  /// Binds ?1, ?2, ... in order.
  template <class... T>
  Query& with(const T&... values) {
    int index = 0;
    (bind(++index, values), ...);
    return *this;
  }
  bool step() { return statement_->executeStep(); }
  void run() { statement_->exec(), statement_->reset(); }
  void reset() { statement_->reset(); }
  std::string text(int column) const { return statement_->getColumn(column).getString(); }
  int64_t integer(int column) const { return statement_->getColumn(column).getInt64(); }
  double number(int column) const;  // NULL is NaN: SQLite has no NaN
  bool null(int column) const { return statement_->isColumnNull(column); }
  void bind(int index, const std::string& value) { statement_->bind(index, value); }
  void bind(int index, int64_t value) { statement_->bind(index, value); }
  void bind(int index, double value) { statement_->bind(index, value); }
  void bind(int index, const std::optional<int64_t>& value);
  void bind(int index, const std::optional<double>& value);

 private:
  SQLite::Statement* statement_;
};

/// Safe to use from several threads if each holds `mutex` while it works.
struct Connection {
  /// False where there is no store. Throws Error (work) where this user may not look.
  static bool exists(const std::filesystem::path& folder);
  /// Opens, or creates and migrates.
  static std::unique_ptr<Connection> writable(const std::filesystem::path& folder);
  /// Opens for reading only, also where the folder cannot be written; null where there is no store.
  static std::unique_ptr<Connection> readable(const std::filesystem::path& folder);

  Connection(std::filesystem::path folder, const std::string& uri, int flags);
  Query query(const std::string& sql);
  /// When the write-ahead log, once it is long, is moved into the database: by this call, or by
  /// tidy(), for the move waits for the disk.
  enum class Tidy { now, later };
  /// Runs `work` in one transaction that holds the write lock from its start.
  template <class F>
  auto write(F&& work, Tidy when = Tidy::now) {
    const std::lock_guard lock(mutex);
    return guard([&] {
      SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
      if constexpr (std::is_void_v<decltype(work())>) {
        work(), transaction.commit();
        if (when == Tidy::now) tidy();
      } else {
        auto result = work();
        transaction.commit();
        if (when == Tidy::now) tidy();
        return result;
      }
    });
  }
  /// Runs `work` in one snapshot of the store.
  template <class F>
  auto read(F&& work) {
    const std::lock_guard lock(mutex);
    return guard([&] {
      const SQLite::Transaction snapshot(database);
      return work();
    });
  }
  /// SQLite's exceptions as ours, naming the file.
  template <class F>
  auto guard(F&& work) {
    try {
      return work();
    } catch (const SQLite::Exception& e) {
      fail(e);
    }
  }
  /// With `mutex` held, outside of write().
  void tidy();
  [[noreturn]] void fail(const SQLite::Exception& e) const;
  std::filesystem::path file() const { return folder / "hilum.db"; }

  /// Of a statement that waits for another process.
  struct Waiting {
    std::chrono::steady_clock::time_point since;
    std::minstd_rand random;
  };

  std::filesystem::path folder;
  Waiting waiting;
  int log_pages = 0;  // in the write-ahead log after the last commit
  SQLite::Database database;
  std::mutex mutex;

 private:
  std::unordered_map<std::string, std::unique_ptr<SQLite::Statement>> statements_;
};

}  // namespace hilum::runs
