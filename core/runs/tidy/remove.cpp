// SPDX-License-Identifier: Apache-2.0
#include "core/runs/queries.hpp"
#include "core/runs/sqlite/connection.hpp"

namespace hilum::runs {
namespace {
namespace fs = std::filesystem;

constexpr const char* kDoomed = ".removed-";  // then the id: a folder on its way out

// What an interrupted removal left: the run's rows tell whether it had been decided. Call inside
// write.
std::vector<fs::path> sweep(Connection& store) {
  std::vector<fs::path> rubbish;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(store.folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kDoomed)) continue;
    const std::string id = name.substr(std::string(kDoomed).size());
    auto query = store.query("SELECT 1 FROM run WHERE id = ?1");
    query.with(id);
    if (query.step() && !fs::exists(store.folder / id, none))
      fs::rename(entry.path(), store.folder / id, none);
    else
      rubbish.push_back(entry.path());
  }
  return rubbish;
}

void refuse_running(Connection& store, const std::string& id) {
  auto query = store.query(
      "SELECT name, pid, host FROM run WHERE id = ?1 AND "
      "hilum_status(status, pid, boot, heartbeat) = 'running'");
  query.with(id);
  if (query.step())
    throw Error("run '" + id + "' (" + query.text(0) + ") is running: process " + query.text(1) +
                    " on host '" + query.text(2) + "'. Stop it first; nothing was removed.",
                Fault::request);
}

}  // namespace

void remove(const fs::path& folder, const std::vector<std::string>& ids) {
  const auto store = Connection::writable(fs::absolute(folder));
  // Rows and the folder's name go together; a folder of gigabytes is then deleted at leisure.
  auto rubbish = store->write([&] {
    auto swept = sweep(*store);
    for (const auto& id : ids) refuse_running(*store, id);
    for (const auto& id : ids) {
      auto query = store->query("DELETE FROM run WHERE id = ?1");
      query.with(id).run();
    }
    std::error_code failed;
    for (const auto& id : ids) {
      const fs::path doomed = store->folder / (kDoomed + id);
      if (!fs::exists(store->folder / id, failed)) continue;
      fs::rename(store->folder / id, doomed, failed);
      if (failed)
        throw Error((store->folder / id).string() + ": cannot be removed: " + failed.message() +
                    ". The run is still there.");
      swept.push_back(doomed);
    }
    return swept;
  });
  for (const auto& path : rubbish) {
    std::error_code failed;
    fs::remove_all(path, failed);
    if (failed)
      throw Error(path.string() + ": could not be deleted: " + failed.message() +
                  ". Its run is gone from the store; delete the folder by hand.");
  }
}

}  // namespace hilum::runs
