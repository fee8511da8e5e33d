// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <span>

namespace hilum::runs {

/// SQL that takes a store from version i to version i + 1. Steps are only ever appended: what a
/// released program has run on somebody's store is history.
std::span<const char* const> migrations();
extern const char* const kMigration1;
extern const char* const kMigration2;
extern const char* const kMigration3;
extern const char* const kMigration4;

/// Brings the database to version `steps.size()`, each step in a transaction. Throws Error (work)
/// where the store is newer than this program. Several processes may call it at once.
void migrate(SQLite::Database& database, std::span<const char* const> steps,
             const std::filesystem::path& file);
void refuse_newer(int version, size_t known, const std::filesystem::path& file);

}  // namespace hilum::runs
