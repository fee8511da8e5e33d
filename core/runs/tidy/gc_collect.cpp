// SPDX-License-Identifier: Apache-2.0
// Decided under the write lock, row and folder together, as a run's beginning is: nothing can begin
// or go on in between. What is deleted is renamed first; a folder of gigabytes then goes at
// leisure.
#include "core/runs/ask/where.hpp"
#include "core/runs/sqlite/connection.hpp"
#include "core/runs/tidy/gc.hpp"
#include "core/runs/tidy/gc_parts.hpp"

namespace hilum::runs {
namespace {
namespace fs = std::filesystem;
using Kind = Garbage::Kind;

struct Doomed {
  fs::path path, was;
  uintmax_t bytes = 0;
};

std::string status_of(Connection& store, const std::string& run) {
  auto query = store.query(std::string("SELECT ") + kStatus + " FROM run r WHERE r.id = ?1");
  query.with(run);
  return query.step() ? query.text(0) : "";
}

// Whether it is still what it was when it was looked for. Call inside write.
bool still(Connection& store, const Garbage& item) {
  const std::string status = item.run.empty() ? "" : status_of(store, item.run);
  std::error_code none;
  switch (item.kind) {
    case Kind::removal: {
      const std::string run = item.path.filename().string().substr(kRemoved.size());
      return status_of(store, run).empty() || fs::exists(store.folder / run, none);
    }
    case Kind::folder:
      return status.empty();
    case Kind::part:
      return status != "running";
    case Kind::failed:
      return status == "failed" || status == "crashed";
    case Kind::checkpoint:
      return status == "done" && fs::exists(item.path.parent_path() / "best.pt", none);
  }
  return false;
}

class Collector {
 public:
  explicit Collector(Connection& store) : store_(store) {}

  // Out of the way, so that nobody finds half of it. Call inside write.
  void move(const Garbage& item) {
    std::error_code none, failed;
    if (!still(store_, item)) return skip(item.path, "it is in use now");
    const bool there = fs::exists(fs::symlink_status(item.path, none));
    if (!there && item.kind != Kind::failed) return;
    const fs::path path = item.kind == Kind::removal || !there ? item.path : place_for(item);
    if (path != item.path) fs::rename(item.path, path, failed);
    if (failed) return skip(item.path, failed.message());
    if (item.kind == Kind::failed) {
      auto query = store_.query("DELETE FROM run WHERE id = ?1");
      query.with(item.run).run();
    }
    doomed_.push_back({path, item.path, item.bytes});
  }

  void destroy() {
    for (const auto& [path, was, bytes] : doomed_) {
      std::error_code failed;
      fs::remove_all(path, failed);
      if (failed)
        skip(was, failed.message());
      else
        result.freed += bytes, ++result.count;
    }
  }

  Collected result;

 private:
  // A whole run is found again by its id, should this be interrupted before it is decided.
  fs::path place_for(const Garbage& item) const {
    const fs::path path = store_.folder / (kRemoved + item.run);
    const bool whole = item.kind == Kind::failed || item.kind == Kind::folder;
    if (whole && !fs::exists(path)) return path;
    return path.string() + "-" + std::to_string(doomed_.size());
  }
  void skip(const fs::path& path, const std::string& why) {
    result.skipped.push_back(path.string() + ": left as it is: " + why + ".");
  }
  Connection& store_;
  std::vector<Doomed> doomed_;
};

uintmax_t size_of_files(const fs::path& file) {
  return size_of(file) + size_of(file.string() + "-wal");
}

}  // namespace

Collected collect_garbage(const fs::path& folder, const std::vector<Garbage>& garbage) {
  const auto store = Connection::writable(fs::absolute(folder));
  Collector collector(*store);
  store->write([&] {
    for (const auto& item : garbage) collector.move(item);
  });
  collector.destroy();
  remove(store->folder, {});  // puts back what an interrupted removal had not decided
  const uintmax_t before = size_of_files(store->file());
  store->guard([&] {
    collector.result.packed = packable(*store) > 0;
    if (collector.result.packed) store->database.exec("VACUUM");
    (void)store->database.execAndGet("PRAGMA wal_checkpoint(TRUNCATE)");
  });
  const uintmax_t after = size_of_files(store->file());
  if (after < before) collector.result.freed += before - after;
  return collector.result;
}

}  // namespace hilum::runs
