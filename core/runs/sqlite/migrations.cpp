// SPDX-License-Identifier: Apache-2.0
#include "core/runs/sqlite/migrations.hpp"

#include "hilum/error.hpp"

namespace hilum::runs {

std::span<const char* const> migrations() {
  static const char* const steps[] = {kMigration1, kMigration2, kMigration3, kMigration4};
  return steps;
}

void refuse_newer(int version, size_t known, const std::filesystem::path& file) {
  if (version > static_cast<int>(known))
    throw Error(file.string() + ": run store: version is " + std::to_string(version) +
                ", this program knows up to " + std::to_string(known) +
                ". It was written by a newer Hilum: update this one, or set HILUM_RUNS to another "
                "folder.");
}

void migrate(SQLite::Database& database, std::span<const char* const> steps,
             const std::filesystem::path& file) {
  const auto version = [&] { return database.execAndGet("PRAGMA user_version").getInt(); };
  const auto newest = static_cast<int>(steps.size());
  refuse_newer(version(), steps.size(), file);
  if (version() == newest) return;
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  for (int at = version(); at < newest; ++at) {  // read again: another process may have been first
    database.exec(steps[static_cast<size_t>(at)]);
    database.exec("PRAGMA user_version = " + std::to_string(at + 1));
  }
  transaction.commit();
}

}  // namespace hilum::runs
