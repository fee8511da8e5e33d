// SPDX-License-Identifier: Apache-2.0
// docs/run-store.md says the truth: each query of the page gives rows, each table has the columns
// that it lists.
#include <cmath>
#include <regex>
#include <set>
#include <sstream>

#include "core/util/files.hpp"
#include "fixture.hpp"

namespace hilum::runs {
namespace {

const std::string& page() {
  static const std::string text = util::read_file(HILUM_SOURCE_DIR "/docs/run-store.md");
  return text;
}

std::vector<std::string> sql_blocks() {
  std::vector<std::string> blocks;
  for (size_t at = 0; (at = page().find("```sql\n", at)) != std::string::npos;) {
    at += 7;
    blocks.push_back(page().substr(at, page().find("```", at) - at));
  }
  return blocks;
}

class RunStorePage : public StoreTest {
 protected:
  // Two folds of one experiment that differ in the learning rate, and one that failed.
  RunStorePage() {
    Store store(folder);
    for (int64_t fold : {0, 1}) {
      NewRun run = some_run("unet", 0, fold);
      run.dirty = fold == 1;
      run.params[0].value = fold == 0 ? "0.001" : "0.01";
      const auto id = store.begin(run);
      for (int64_t epoch = 1; epoch <= 3; ++epoch) {
        const double e = static_cast<double>(epoch);
        store.log(id,
                  std::vector<Metric>{{epoch, epoch, "train", "loss", 1 / e},
                                      {epoch, epoch, "val", "loss", 2 / e},
                                      {epoch, epoch, "val", "mask.dice", epoch == 2 ? 0.9 : 0.5},
                                      {epoch, epoch, "val", "mask.hd95", epoch == 2 ? 1.0 : 4.0}});
      }
      store.log(id, std::vector<Metric>{{3, 3, "test", "mask.dice", fold == 0 ? 0.8 : 0.6}});
      store.log_cases(id, "test",
                      std::vector<CaseMetric>{{"p1", "n1", {}, "mask.dice", 0.8},
                                              {"p2", "n1", {}, "mask.dice", 0.2}});
      store.finish(id, "done");
    }
    store.finish(store.begin(some_run("broken")), "failed", "out of memory");
    // The newest two are the folds that questions ask about.
    for (int64_t fold : {0, 1}) {
      NewRun run = some_run("late", 0, fold);
      run.params[0].value = fold == 0 ? "0.1" : "0.2";
      store.begin(run);
    }
  }
};

TEST_F(RunStorePage, EveryQueryGivesRows) {
  const auto blocks = sql_blocks();
  ASSERT_GE(blocks.size(), 10u);
  const Reader reader(folder);
  for (const auto& block : blocks) {
    SCOPED_TRACE(block);
    EXPECT_FALSE(reader.sql(block).rows.empty());
  }
}

TEST_F(RunStorePage, QueriesMeanWhatThePageSays) {
  const Reader reader(folder);
  const auto blocks = sql_blocks();
  const auto cell = [&](size_t block, size_t column) {
    return *reader.sql(blocks.at(block)).rows.at(0).at(column).text;
  };
  EXPECT_EQ(cell(0, 4), "0.8");                                  // best run
  EXPECT_EQ(cell(1, 2), "2");                                    // folds
  EXPECT_NEAR(std::stod(cell(2, 2)), 0.7, 1e-12);                // mean
  EXPECT_NEAR(std::stod(cell(2, 3)), 0.2 / std::sqrt(2), 1e-9);  // sd of 0.8 and 0.6
  EXPECT_EQ(cell(3, 1), "2");                                    // best epoch
  EXPECT_EQ(cell(6, 0), "train.lr");                             // what differs
  EXPECT_EQ(cell(7, 0), "p2");                                   // hardest nodule
  EXPECT_EQ(
      *reader.sql("select value from v_best where metric = 'mask.hd95'").rows.at(0).at(0).text,
      "1.0");
}

TEST_F(RunStorePage, EveryNameOfTheTableIsKnown) {
  const size_t begin = page().find("| name | means |"), end = page().find("| `train.lr`", begin);
  ASSERT_LT(end, page().size());
  const std::regex name("`([a-z][a-z0-9_.]*)`");
  const std::string table = page().substr(begin, end - begin);
  std::istringstream lines(table);
  size_t names = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::string cell = line.substr(0, line.find('|', 1));
    for (std::sregex_iterator word(cell.begin(), cell.end(), name), last; word != last; ++word) {
      SCOPED_TRACE((*word)[1].str());
      EXPECT_NO_THROW(Reader(folder).list({.sort = (*word)[1]}, (*word)[1]));
      ++names;
    }
  }
  EXPECT_GT(names, 30u);
}

TEST_F(RunStorePage, TablesAndViewsHaveTheColumnsListed) {
  const Reader reader(folder);
  std::set<std::string> documented;
  const std::regex row(R"(\| `(\w+)` \| [^|]+ \| ([^|]+) \|)");
  std::string text = page().substr(page().find("## Tables"));
  const std::regex aside(R"(\([^)]*\)|:[^|\n]*)");  // remarks after a column
  for (std::sregex_iterator match(text.begin(), text.end(), row), end; match != end; ++match) {
    const std::string name = (*match)[1];
    documented.insert(name);
    std::string columns = std::regex_replace((*match)[2].str(), aside, "");
    if (columns.find("the same columns") != std::string::npos)
      columns = "run, step, epoch, split, name, value";
    std::string actual;
    for (const auto& column : reader.sql("select name from pragma_table_info('" + name + "')").rows)
      actual += (actual.empty() ? "" : ", ") + *column[0].text;
    std::set<std::string> want, have;
    const std::regex word(R"(\w+)");
    for (std::sregex_iterator w(columns.begin(), columns.end(), word); w != std::sregex_iterator();
         ++w)
      want.insert(w->str());
    for (std::sregex_iterator w(actual.begin(), actual.end(), word); w != std::sregex_iterator();
         ++w)
      have.insert(w->str());
    EXPECT_EQ(want, have) << name;
  }
  std::set<std::string> existing;
  for (const auto& table :
       reader.sql("select name from sqlite_master where type in ('table', 'view')").rows)
    existing.insert(*table[0].text);
  EXPECT_EQ(documented, existing);
}

}  // namespace
}  // namespace hilum::runs
