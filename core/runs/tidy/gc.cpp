// SPDX-License-Identifier: Apache-2.0
#include "core/runs/tidy/gc.hpp"

#include <algorithm>
#include <ctime>
#include <map>
#include <set>
#include <tuple>

#include "core/runs/ask/where.hpp"
#include "core/runs/process.hpp"
#include "core/runs/reader.hpp"
#include "core/runs/tidy/gc_parts.hpp"
#include "core/runs/ulid.hpp"
#include "core/util/machine.hpp"

namespace hilum::runs {
namespace {
namespace fs = std::filesystem;
using Kind = Garbage::Kind;

// A run as far as it matters here.
struct Row {
  std::string status, host;
  int64_t ended = 0;  // seconds since 1970
};

class Look {
 public:
  // Folders first: a run that begins meanwhile has its row by the time that rows are read, or comes
  // too late to be seen at all.
  Look(Connection& store, const GcOptions& options)
      : store_(store), options_(options), host_(util::host_name()) {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(store.folder, none)) entries_.push_back(entry);
    auto rows = store.query(std::string("SELECT r.id, ") + kStatus +
                            ", r.host, coalesce(r.ended, r.heartbeat) FROM run r");
    while (rows.step()) rows_[rows.text(0)] = {rows.text(1), rows.text(2), seconds(rows.text(3))};
    auto parents = store.query("SELECT DISTINCT parent FROM run WHERE parent IS NOT NULL");
    while (parents.step()) parents_.insert(parents.text(0));
  }

  GcReview take() {
    if (options_.failed) find_failed();
    for (const auto& entry : entries_) look_at(entry);
    find_missing();
    const auto order = [](const Garbage& g) { return std::tie(g.kind, g.path); };
    std::ranges::sort(review_.garbage, {}, order);
    std::ranges::sort(review_.kept, {}, order);
    review_.free = packable(store_);
    return std::move(review_);
  }

 private:
  void add(Kind kind, const std::string& run, const fs::path& path, std::string why) {
    review_.garbage.push_back({kind, run, path, size_of(path), std::move(why)});
  }
  void keep(Kind kind, const std::string& run, const fs::path& path, std::string why) {
    review_.kept.push_back({kind, run, path, size_of(path), std::move(why)});
  }
  bool old_enough(const Row& row) const {
    return !options_.older_than || std::time(nullptr) - row.ended >= *options_.older_than;
  }

  void find_failed() {
    std::error_code none;
    for (const auto& [id, row] : rows_) {
      if ((row.status != "failed" && row.status != "crashed") || !old_enough(row)) continue;
      const fs::path path = store_.folder / id;
      const bool resumable = fs::exists(path / "last.pt", none);
      if (resumable && !options_.older_than) {
        keep(Kind::failed, id, path,
             row.status + ", `hilum resume` can go on with it: --older-than AGE takes it too");
      } else if (parents_.count(id)) {
        keep(Kind::failed, id, path, row.status + ", but other runs began with its weights");
      } else {
        add(Kind::failed, id, path, row.status + (resumable ? " long ago" : ", nothing to resume"));
        doomed_.insert(id);
      }
    }
  }

  void look_at(const fs::directory_entry& entry) {
    const fs::path& path = entry.path();
    const std::string name = path.filename().string();
    if (name.starts_with(kRemoved)) return look_at_removed(path, name.substr(kRemoved.size()));
    if (entry.is_symlink() || !entry.is_directory() || name.size() != 26 || !is_ulid_prefix(name))
      return;
    const auto row = rows_.find(name);
    if (row == rows_.end()) return look_at_stray(path, name);
    if (row->second.status == "running" || doomed_.count(name)) return;
    find_parts(path, name, row->second.host == host_);
    if (options_.checkpoints) look_at_checkpoint(path, name, row->second);
  }

  // An interrupted removal is finished, or undone where it had not been decided (remove.cpp).
  void look_at_removed(const fs::path& path, const std::string& run) {
    std::error_code none;
    if (!rows_.count(run) || fs::exists(store_.folder / run, none))
      add(Kind::removal, "", path, "an interrupted removal");
  }

  // Work that is older than the store itself is that of a store that was moved away.
  void look_at_stray(const fs::path& path, const std::string& id) {
    const bool older = rows_.empty() || id < rows_.begin()->first;
    if (older && holds_work(path))
      keep(Kind::folder, id, path,
           "older than every run of this store: of one that was moved away? Delete it by hand");
    else
      add(Kind::folder, id, path, "no run of the store has this folder");
  }

  void find_parts(const fs::path& folder, const std::string& id, bool here) {
    std::error_code failed, none;
    for (fs::recursive_directory_iterator entry(folder, failed), end; !failed && entry != end;
         entry.increment(failed)) {
      if (!is_abandoned_part(entry->path(), here)) continue;
      if (entry->is_directory(none)) entry.disable_recursion_pending();
      add(Kind::part, id, entry->path(), "never finished");
    }
  }

  void look_at_checkpoint(const fs::path& folder, const std::string& id, const Row& row) {
    std::error_code none;
    if (row.status != "done" || !old_enough(row) || !fs::exists(folder / "best.pt", none) ||
        !fs::exists(folder / "last.pt", none))
      return;
    auto used = store_.query("SELECT 1 FROM artifact WHERE run = ?1 AND path = 'last.pt'");
    used.with(id);
    if (!used.step()) add(Kind::checkpoint, id, folder / "last.pt", "done, and best.pt is there");
  }

  void find_missing() {
    auto rows = store_.query("SELECT run, kind, path FROM artifact ORDER BY run, kind, path");
    std::error_code none;
    while (rows.step())
      if (!fs::exists(store_.folder / rows.text(0) / rows.text(2), none))
        review_.missing.push_back({rows.text(0), rows.text(1), rows.text(2)});
  }

  Connection& store_;
  const GcOptions& options_;
  const std::string host_;
  std::vector<fs::directory_entry> entries_;
  std::map<std::string, Row> rows_;
  std::set<std::string> parents_, doomed_;
  GcReview review_;
};

}  // namespace

const char* to_text(Kind kind) {
  switch (kind) {
    case Kind::removal:
      return "removal";
    case Kind::part:
      return "part";
    case Kind::folder:
      return "folder";
    case Kind::failed:
      return "failed";
    case Kind::checkpoint:
      return "checkpoint";
  }
  return "";
}

uintmax_t GcReview::bytes() const {
  uintmax_t sum = 0;
  for (const auto& item : garbage) sum += item.bytes;
  return sum;
}

GcReview review_garbage(const Reader& reader, const GcOptions& options) {
  const auto& store = reader.impl().store;
  if (!store) return {};
  return store->read([&] { return Look(*store, options).take(); });
}

}  // namespace hilum::runs
