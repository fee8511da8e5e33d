// SPDX-License-Identifier: Apache-2.0
#include "core/runs/tidy/export.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "core/runs/ask/find.hpp"
#include "core/runs/ask/rows.hpp"
#include "core/runs/ask/where.hpp"
#include "core/runs/print/print_json.hpp"
#include "core/runs/print/print_parts.hpp"
#include "core/runs/reader.hpp"
#include "hilum/names.hpp"

namespace hilum::runs {
namespace {
namespace fs = std::filesystem;

// A table of a run's, in the order that its rows were made or are kept.
struct Table {
  const char *name, *file, *order;
};
constexpr Table kTables[] = {
    {"param", "params", "rowid"},
    {"metric", "metrics", "split, name, step"},
    {"case_metric", "case_metrics", "rowid"},
    {"plugin", "plugins", "kind, name"},
    {"tag", "tags", "tag"},
    {"artifact", "artifacts", "kind, path"},
};

// All columns: an older store has fewer. A crashed run's status says so.
struct Select {
  Strings columns;
  SQLite::Statement rows;  // of the run that is bound
};
Select select_run(Connection& store) {
  const Strings columns = columns_of(store, "run");
  Strings values;
  for (const auto& name : columns)
    values.push_back(name == "status" ? "(" + std::string(kStatus) + ")" : "r." + name);
  const std::string sql = "SELECT " + join(values, ", ") + " FROM run r WHERE r.id = ?";
  return {columns, SQLite::Statement(store.database, sql)};
}
Select select_rows(Connection& store, const Table& table) {
  const Strings columns = columns_of(store, table.name);
  const std::string sql = "SELECT " + join(columns, ", ") + " FROM " + table.name +
                          " WHERE run = ? ORDER BY " + table.order;
  return {columns, SQLite::Statement(store.database, sql)};
}

Error cannot(const fs::path& path, const std::string& why) {
  return Error(path.string() + ": cannot be written: " + why + ". Nothing was exported.");
}

// A file that says when a disk is full.
class Out {
 public:
  explicit Out(fs::path path) : path_(std::move(path)), file_(path_, std::ios::binary) { check(); }
  void write(const std::string& text) {
    file_ << text;
    check();
  }
  void close() {
    file_.close();
    check();
  }

 private:
  void check() const {
    if (!file_) throw cannot(path_, std::strerror(errno));
  }
  fs::path path_;
  std::ofstream file_;
};

class CsvTable {
 public:
  CsvTable(Select select, const fs::path& file) : select_(std::move(select)), out_(file) {
    Strings heading = select_.columns;
    if (heading.at(0) == "id") heading[0] = "run";
    out_.write(csv_line(heading));
  }
  void add(const std::string& run) {
    Strings texts;
    each_row(select_.rows, run, [&](const std::vector<Cell>& cells) {
      texts.clear();
      for (const auto& cell : cells) texts.push_back(cell.text.value_or(""));
      out_.write(csv_line(texts));
    });
  }
  void close() { out_.close(); }

 private:
  Select select_;
  Out out_;
};

size_t write_csv(Connection& store, const Strings& ids, const fs::path& folder) {
  std::vector<std::unique_ptr<CsvTable>> tables;
  tables.push_back(std::make_unique<CsvTable>(select_run(store), folder / "runs.csv"));
  for (const auto& table : kTables)
    tables.push_back(std::make_unique<CsvTable>(select_rows(store, table),
                                                folder / (std::string(table.file) + ".csv")));
  for (const auto& id : ids)
    for (auto& table : tables) table->add(id);
  for (auto& table : tables) table->close();
  return tables.size();
}

// Rows as objects; the run is the document itself.
Json objects(Select& select, const std::string& run) {
  Json list = Json::array();
  each_row(select.rows, run, [&](const std::vector<Cell>& cells) {
    Json object = Json::object();
    for (size_t i = 0; i < cells.size(); ++i)
      if (select.columns[i] != "run") object[select.columns[i]] = value_json(cells[i]);
    list.push_back(std::move(object));
  });
  return list;
}

size_t write_json(Connection& store, const Strings& ids, const fs::path& folder) {
  Select run = select_run(store);
  std::vector<std::pair<std::string, Select>> tables;
  for (const auto& table : kTables) tables.emplace_back(table.file, select_rows(store, table));
  for (const auto& id : ids) {
    Json rows = objects(run, id);
    if (rows.empty()) continue;  // removed a moment ago
    Json document = std::move(rows[0]);
    std::ifstream config(store.folder / id / "config.toml", std::ios::binary);
    document["config"] =
        config ? Json(std::string(std::istreambuf_iterator<char>(config), {})) : Json();
    for (auto& [name, select] : tables) document[name] = objects(select, id);
    Out out(folder / (id + ".json"));
    out.write(dump(document));
    out.close();
  }
  return ids.size();
}

void refuse_full(const fs::path& folder) {
  if (!fs::exists(folder)) return;
  if (!fs::is_directory(folder))
    throw Error(folder.string() + ": is a file. Name a folder that is not there yet, or is empty.",
                Fault::request);
  Strings there;
  for (const auto& entry : fs::directory_iterator(folder))
    there.push_back(entry.path().filename().string());
  if (there.empty()) return;
  const size_t count = there.size();
  if (count > 3) there.resize(3), there.push_back("...");
  throw Error(folder.string() + ": holds " + std::to_string(count) + " files already (" +
                  join(there, ", ") + "). Name a folder that is not there yet, or is empty.",
              Fault::request);
}

}  // namespace

Exported export_runs(const Reader& reader, const Strings& ids, ExportFormat format,
                     const fs::path& to) try {
  const auto& store = reader.impl().store;
  if (!store) throw empty_store(reader.folder());
  const fs::path folder = (fs::absolute(to) / "").lexically_normal().parent_path();
  refuse_full(folder);
  const fs::path beside = folder.string() + ".part" + std::to_string(getpid());
  try {
    fs::create_directories(beside);
    const size_t files = store->read([&] {
      return format == ExportFormat::csv ? write_csv(*store, ids, beside)
                                         : write_json(*store, ids, beside);
    });
    fs::rename(beside, folder);
    return {ids.size(), files};
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(beside, ignored);
    throw;
  }
} catch (const fs::filesystem_error& error) {
  throw cannot(to, error.code().message());
}

}  // namespace hilum::runs
