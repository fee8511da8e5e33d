// SPDX-License-Identifier: Apache-2.0
// No question to a store reads all its figures.
#include <sqlite3.h>

#include <algorithm>
#include <regex>

#include "core/runs/reader.hpp"
#include "fixture.hpp"
#include "hilum/names.hpp"
#include "many_runs.hpp"

namespace hilum::runs {
namespace {

using testing::IsEmpty;
using testing::Not;

// The plans of all statements that a question really runs.
class Plans : public StoreTest {
 protected:
  Strings plans(const ListOptions& options, const std::string& columns = "") {
    const Reader reader(folder);
    SQLite::Database& database = reader.impl().store->database;
    Strings statements, plans;
    const auto note = [](unsigned, void* list, void* statement, void*) {
      static_cast<Strings*>(list)->push_back(sqlite3_sql(static_cast<sqlite3_stmt*>(statement)));
      return 0;
    };
    sqlite3_trace_v2(database.getHandle(), SQLITE_TRACE_STMT, note, &statements);
    if (columns.empty())
      (void)reader.list(options);
    else
      (void)reader.list(options, columns);
    sqlite3_trace_v2(database.getHandle(), 0, nullptr, nullptr);
    for (const auto& sql : statements) {
      if (!sql.starts_with("SELECT")) continue;
      SQLite::Statement plan(database, "EXPLAIN QUERY PLAN " + sql);
      while (plan.executeStep()) plans.push_back(plan.getColumn(3).getString());
    }
    return plans;
  }
  // Of final_metric (f, d) and metric (m), by whatever name.
  static Strings scans(const Strings& plans) {
    static const std::regex scan("^SCAN (final_metric|metric|f|d|m)\\b.*");
    Strings found;
    for (const auto& step : plans)
      if (std::regex_match(step, scan)) found.push_back(step);
    return found;
  }
  static bool searches(const Strings& plans) {
    static const std::regex search("^SEARCH (final_metric|f) USING .*INDEX.*");
    return std::ranges::any_of(plans, [](const auto& p) { return std::regex_match(p, search); });
  }
};

TEST_F(Plans, NoQuestionReadsAllFigures) {
  ManyRuns(folder).add(2000, 2);
  for (const char* where :
       {"", "dice > 0.8 or auc > 0.9", "dice > 0.9999 or auc > 0.9999", "dice > 0.0001",
        "not dice > 0.5", "not (dice > 0.5 or auc > 0.5) and seed = 1", "val.dice != 0.5",
        "test.mask.dice in (0.1, 0.2)", "lr > 0.001 or backbone = second", "status = failed"})
    for (const char* sort : {"", "-dice", "auc,-seed", "-val.dice", "-train.lr,name"})
      for (const bool all : {false, true}) {
        SCOPED_TRACE(std::string(where) + " | " + sort + (all ? " | all" : " | first"));
        const auto found = plans({.where = where, .limit = all ? 0 : 20, .sort = sort},
                                 all ? "id" : "id,dice,auc,lr,tags");
        EXPECT_THAT(scans(found), IsEmpty());
        EXPECT_TRUE(all || searches(found));
      }
}

TEST_F(Plans, TheUsualColumnsNeither) {
  ManyRuns(folder).add(200);
  EXPECT_THAT(scans(plans({.where = "dice > 0.5", .sort = "-dice"})), IsEmpty());
  EXPECT_THAT(scans(plans({})), IsEmpty());
}

TEST_F(Plans, AScanWouldBeSeen) {
  ManyRuns(folder).add(50);
  execute(folder, "DROP INDEX final_metric_by_name");
  EXPECT_THAT(scans(plans({.where = "dice > 0.8", .sort = "-dice"})), Not(IsEmpty()));
}

TEST_F(Plans, TheFirstOfAllAreTheFirst) {
  ManyRuns(folder).add(5000, 2);
  const auto all =
      Reader(folder).list({.where = "dice > 0.8 or auc > 0.9", .sort = "-dice"}, "dice");
  const auto top = Reader(folder).list(
      {.where = "dice > 0.8 or auc > 0.9", .limit = 20, .sort = "-dice"}, "dice");
  ASSERT_GT(all.rows.size(), 500u);
  ASSERT_EQ(top.rows.size(), 20u);
  for (size_t i = 0; i < top.rows.size(); ++i) EXPECT_EQ(top.rows[i].id, all.rows[i].id);
}

}  // namespace
}  // namespace hilum::runs
