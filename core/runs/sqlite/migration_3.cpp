// SPDX-License-Identifier: Apache-2.0
// Version 3 of the store: what a plugin was built for, and benchmarks of plugins. Never edit, add a
// migration.
#include "core/runs/sqlite/migrations.hpp"

namespace hilum::runs {

// The table `benchmark` of version 1 was never written to.
const char* const kMigration3 = R"sql(
ALTER TABLE plugin ADD COLUMN build TEXT NOT NULL DEFAULT '';

DROP TABLE benchmark;
-- One row a case of a recording: quantiles in seconds of one call over `repetitions` samples.
-- `samples` is a JSON list of all of them, so that two recordings can be compared with an interval.
CREATE TABLE benchmark (
  id TEXT NOT NULL, created TEXT NOT NULL, kind TEXT NOT NULL, plugin TEXT NOT NULL,
  version TEXT NOT NULL, sha256 TEXT NOT NULL, build TEXT NOT NULL, name TEXT NOT NULL,
  host TEXT NOT NULL, device TEXT NOT NULL, threads INTEGER NOT NULL, torch TEXT NOT NULL,
  git TEXT NOT NULL, options TEXT NOT NULL, median REAL NOT NULL, low REAL NOT NULL,
  high REAL NOT NULL, repetitions INTEGER NOT NULL, samples TEXT NOT NULL, tag TEXT NOT NULL,
  PRIMARY KEY (id, name)) WITHOUT ROWID;
CREATE INDEX benchmark_by_plugin ON benchmark (kind, plugin, created);
)sql";

}  // namespace hilum::runs
