// SPDX-License-Identifier: Apache-2.0
// Stores that older versions left (stores/v1.sql, ...): nothing in them is lost. A new migration
// needs the store of the version before it here.
#include <signal.h>
#include <sqlite3.h>

#include <algorithm>

#include "core/runs/print/print.hpp"
#include "core/runs/sqlite/migrations.hpp"
#include "core/util/files.hpp"
#include "fixture.hpp"
#include "hilum/names.hpp"
#include "processes.hpp"

namespace hilum::runs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

int newest() { return static_cast<int>(migrations().size()); }

std::vector<std::string> answer(const std::filesystem::path& folder, const std::string& sql) {
  SQLite::Database database(folder / "hilum.db", SQLite::OPEN_READWRITE);
  SQLite::Statement query(database, sql);
  std::vector<std::string> rows;
  while (query.executeStep()) {
    std::string row;
    for (int i = 0; i < query.getColumnCount(); ++i)
      row += (query.isColumnNull(i) ? "NULL" : query.getColumn(i).getString()) + "|";
    rows.push_back(row);
  }
  return rows;
}

// Tables, indices, triggers and views as text, but for blanks and comments.
std::vector<std::string> schema(const std::filesystem::path& folder) {
  auto rows = answer(folder, "select name, sql from sqlite_master order by name");
  for (auto& row : rows) {
    for (size_t at; (at = row.find("--")) != row.npos;) row.erase(at, row.find('\n', at) - at);
    std::erase_if(row, [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; });
  }
  return rows;
}

class OldStore : public StoreTest, public testing::WithParamInterface<int> {
 protected:
  OldStore() {
    SQLite::Database database(folder / "hilum.db", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec(util::read_file(HILUM_SOURCE_DIR "/tests/unit/runs/stores/v" +
                                  std::to_string(GetParam()) + ".sql"));
  }
  int version() const { return std::stoi(answer(folder, "pragma user_version").at(0)); }

  // All rows, by the columns that this version has.
  std::vector<std::string> rows(const std::vector<std::string>& queries) const {
    std::vector<std::string> all;
    for (const auto& sql : queries)
      for (const auto& row : answer(folder, sql)) all.push_back(row);
    return all;
  }
  std::vector<std::string> queries() const {
    std::vector<std::string> all;
    for (const char* table :
         {"run", "param", "metric", "final_metric", "case_metric", "plugin", "artifact", "tag"}) {
      std::string columns;
      for (const auto& name :
           answer(folder, "select name from pragma_table_info('" + std::string(table) + "')"))
        columns += (columns.empty() ? "" : ", ") + name.substr(0, name.size() - 1);
      all.push_back("select '" + std::string(table) + "', " + columns + " from " + table +
                    " order by " + columns);
    }
    return all;
  }

  // What the commands ask.
  void expect_readable() const {
    const Reader reader(folder);
    Strings listed;
    for (const auto& run : reader.list({})) listed.push_back(run.name + " " + run.status);
    EXPECT_THAT(listed, ElementsAre("resunet_std crashed", "unet failed", "resunet_std interrupted",
                                    "unet done"));
    EXPECT_EQ(reader.list({.where = "dice > 0.7 and backbone = 'unet' and lr < 0.01"}).size(), 1u);
    EXPECT_EQ(reader.list({.where = "tag = 'it''s' or tag = 'lesion-split'"}).size(), 2u);
    const Details done = reader.show("01KAN3V");
    EXPECT_EQ(done.plugins.size(), 2u);
    EXPECT_EQ(done.artifacts.size(), 2u);
    EXPECT_EQ(done.epoch, 3);
    EXPECT_EQ(done.seal, GetParam() == 1 ? Seal::none : Seal::fits) << "seals came with version 2";
    EXPECT_EQ(reader.sealed(done.id), done.seal);
    EXPECT_THAT(show_text(done), HasSubstr("experiments/lidc/unet.toml"));
    EXPECT_THAT(show_json(done), HasSubstr("aa11c0deaa11c0de"));
    const auto curves = reader.curves(done.id, {"val.mask.dice"});
    ASSERT_EQ(curves.size(), 1u);
    EXPECT_EQ(curves[0].values.front(), 0.5125);
    EXPECT_TRUE(curves[0].values.at(1) != curves[0].values.at(1)) << "NaN";
    EXPECT_EQ(reader.cases(done.id, "test").size(), 9u);
    EXPECT_EQ(*reader.sql("select count(*) from v_best").rows[0][0].text, "12");
    EXPECT_THAT(reader.show("01KAQ1Y").error, HasSubstr("the loss is nan"));
  }
};

TEST_P(OldStore, BecomesTheNewestAndKeepsEveryRow) {
  const auto asked = queries();
  const auto before = rows(asked);
  EXPECT_EQ(before.size(), 94u) << "rows of the fixture";
  EXPECT_EQ(version(), GetParam());
  { Store store(folder); }
  EXPECT_EQ(version(), newest());
  EXPECT_EQ(rows(asked), before);
  EXPECT_EQ(answer(folder, "pragma integrity_check"), Strings{"ok|"});
  expect_readable();
}

TEST_P(OldStore, IsBroughtUpToDateByWhoOnlyReads) {
  expect_readable();
  EXPECT_EQ(version(), newest());
}

TEST_P(OldStore, GoesOnInUse) {
  Store store(folder);
  const auto stopped = store.find("01KAN9D").id;
  store.resume(stopped, 240);
  store.log(stopped, std::vector<Metric>{{360, 3, "test", "mask.dice", 0.6}});
  store.finish(stopped, "done");
  EXPECT_EQ(Reader(folder).sealed(stopped), Seal::fits);
  store.begin(some_run("new"));
  EXPECT_EQ(Reader(folder).count(), 5);
}

TEST_P(OldStore, IsReadAsItIsWhereItCannotBeWritten) {
  const auto before = util::read_file(folder / "hilum.db");
  std::filesystem::permissions(folder, std::filesystem::perms(0555));
  EXPECT_EQ(as_nobody([&] {
              expect_readable();
              return HasFailure() ? 1 : 0;
            }),
            0);
  EXPECT_TRUE(util::read_file(folder / "hilum.db") == before);
}

TEST_P(OldStore, IsMigratedOnceHoweverManyOpenItAtOnce) {
  const auto asked = queries();
  const auto before = rows(asked);
  int gate[2];
  ASSERT_EQ(pipe(gate), 0);
  std::vector<pid_t> openers;
  for (int i = 0; i < 6; ++i)
    openers.push_back(spawn([&, i] {
      char byte;
      close(gate[1]);
      (void)!read(gate[0], &byte, 1);  // until the other end is closed
      if (i % 2) return Reader(folder).count() == 4 ? 0 : 1;
      return Store(folder).find("unet").status == "failed" ? 0 : 1;
    }));
  close(gate[0]), close(gate[1]);
  for (const pid_t opener : openers) EXPECT_EQ(wait_for(opener), 0);
  EXPECT_EQ(version(), newest());
  EXPECT_EQ(rows(asked), before);
}

TEST_P(OldStore, HasTheSchemaOfAStoreMadeNew) {
  { Store store(folder), made(folder / "new"); }
  EXPECT_EQ(schema(folder), schema(folder / "new"));
}

void die(sqlite3_context*, int, sqlite3_value**) { kill(getpid(), SIGKILL); }

TEST_P(OldStore, IsTheOldOneWhenKilledInTheMiddle) {
  const auto asked = queries();
  const auto before = rows(asked), old_schema = schema(folder);
  for (int last = GetParam(); last < newest(); ++last) {  // killed at the end of each step
    const pid_t child = spawn([&] {
      std::vector<std::string> texts(migrations().begin(), migrations().end());
      texts[static_cast<size_t>(last)] += "; SELECT die()";
      std::vector<const char*> steps;
      for (const auto& text : texts) steps.push_back(text.c_str());
      SQLite::Database database(folder / "hilum.db", SQLite::OPEN_READWRITE);
      database.createFunction("die", 0, false, nullptr, die);
      database.exec("PRAGMA cache_size = 1");  // so that half of it is in the file already
      migrate(database, steps, folder / "hilum.db");
      return 0;
    });
    EXPECT_EQ(wait_for(child), 128 + SIGKILL);
    EXPECT_EQ(version(), GetParam());
    EXPECT_EQ(schema(folder), old_schema);
  }
  { Store store(folder); }
  EXPECT_EQ(version(), newest());
  EXPECT_EQ(rows(asked), before);
}

std::vector<int> older_versions() {
  std::vector<int> all;
  for (int version = 1; version < newest(); ++version) all.push_back(version);
  return all;
}
INSTANTIATE_TEST_SUITE_P(Version, OldStore, testing::ValuesIn(older_versions()),
                         [](const auto& info) { return std::to_string(info.param); });

}  // namespace
}  // namespace hilum::runs
