// SPDX-License-Identifier: Apache-2.0
// Version 2 of the store: a done run's digest (digest.hpp). Never edit, add a migration.
#include "core/runs/sqlite/migrations.hpp"

namespace hilum::runs {

// NULL: a run that is not done, or was done before this version and so has no seal.
const char* const kMigration2 = "ALTER TABLE run ADD COLUMN digest TEXT";

}  // namespace hilum::runs
