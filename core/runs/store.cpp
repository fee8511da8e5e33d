// SPDX-License-Identifier: Apache-2.0
#include "core/runs/store.hpp"

#include <cstdlib>

#include "core/runs/ask/find.hpp"
#include "core/runs/store_impl.hpp"
#include "core/runs/ulid.hpp"
#include "core/util/files.hpp"

namespace hilum::runs {
namespace fs = std::filesystem;

fs::path default_folder() {
  const char* named = std::getenv("HILUM_RUNS");
  return named != nullptr && *named != '\0' ? fs::path(named) : fs::path("runs");
}

Store::Store(const fs::path& folder) : impl_(std::make_unique<Impl>()) {
  impl_->store = Connection::writable(fs::absolute(folder));
}
Store Store::existing(const fs::path& folder) {
  if (!Connection::exists(folder)) throw empty_store(folder);
  return Store(folder);
}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;

std::string Store::begin(const NewRun& run) {
  fs::path made;
  try {
    return impl_->write([&] {
      impl_->settle();
      const std::string id = new_ulid(impl_->newest_id());
      impl_->insert_run(id, run);
      impl_->insert_params(id, run.params);
      impl_->insert_plugins(id, run.plugins);
      auto query = impl_->store->query("INSERT OR IGNORE INTO tag VALUES (?1, ?2)");
      for (const auto& tag : run.tags) query.with(id, tag).run();
      made = impl_->store->folder / id;
      util::write_file(made / "config.toml", run.config);
      return id;
    });
  } catch (...) {
    std::error_code ignored;
    if (!made.empty()) fs::remove_all(made, ignored);
    throw;
  }
}

void Store::resume(const std::string& id, int64_t step) {
  impl_->write([&] {
    impl_->must_exist(id);
    auto run = impl_->store->query(
        "SELECT pid, host FROM run WHERE id = ?1 AND hilum_status(status, pid, boot, heartbeat) = "
        "'running' AND NOT (pid = ?2 AND boot = ?3)");
    run.with(id, this_process().pid, this_process().boot);
    if (run.step())
      throw Error(
          "run '" + id + "' is running: process " + run.text(0) + " on host '" + run.text(1) +
              "'. Stop it first; a run on another host counts as crashed once it was silent "
              "for " +
              std::to_string(kSilence / 60) + " minutes.",
          Fault::request);
    auto update = impl_->store->query(
        "UPDATE run SET status = 'running', ended = NULL, error = NULL, digest = NULL, "
        "heartbeat = ?2, pid = ?3, boot = ?4 WHERE id = ?1");
    update.with(id, util::now(), this_process().pid, this_process().boot).run();
    auto drop = impl_->store->query("DELETE FROM metric WHERE run = ?1 AND step > ?2");
    drop.with(id, step).run();
  });
}

void Store::heartbeat(const std::string& id) {
  if (!impl_->beat_is_due(id)) return;
  impl_->store->write([&] { impl_->beat(id); });
}

void Store::add_params(const std::string& id, const std::vector<NewRun::Param>& params) {
  impl_->write([&] {
    impl_->must_exist(id);
    impl_->insert_params(id, params);
  });
}

std::vector<std::string> Store::plugins_changed(const std::string& id,
                                                std::span<const PluginUse> now) const {
  return impl_->write([&] {
    impl_->must_exist(id);
    std::vector<std::string> changed;
    auto query = impl_->store->query(
        "SELECT 1 FROM plugin WHERE run = ?1 AND kind = ?2 AND name = ?3 AND version = ?4 AND "
        "sha256 = ?5");
    for (const auto& p : now) {
      query.with(id, p.kind, p.name, p.version, p.sha256);
      if (!query.step()) changed.push_back(p.kind + "/" + p.name);
      query.reset();
    }
    if (!changed.empty()) impl_->insert_plugins(id, now);
    return changed;
  });
}

void Store::add_artifact(const std::string& id, const std::string& kind, const fs::path& path) {
  const fs::path folder = impl_->store->folder / id;
  const fs::path inside = fs::absolute(path).lexically_relative(folder);
  const bool is_inside = !inside.empty() && *inside.begin() != "..";
  impl_->write([&] {
    impl_->must_exist(id);
    auto query = impl_->store->query("INSERT OR REPLACE INTO artifact VALUES (?1, ?2, ?3, ?4)");
    query.with(id, kind, (is_inside ? inside : fs::absolute(path)).string(), util::now()).run();
  });
}

void Store::add_tag(const std::string& id, const std::string& tag) {
  impl_->write([&] {
    impl_->must_exist(id);
    auto query = impl_->store->query("INSERT OR IGNORE INTO tag VALUES (?1, ?2)");
    query.with(id, tag).run();
  });
}

Run Store::find(const std::string& run) const {
  return impl_->read([&] {
    auto query = impl_->store->query(
        "SELECT id, name, hilum_status(status, pid, boot, heartbeat), started, ended, error FROM "
        "run "
        "WHERE id = ?1");
    query.with(find_id(*impl_->store, run));
    query.step();
    Run found{query.text(0),
              query.text(1),
              query.text(2),
              query.text(3),
              query.text(4),
              query.text(5),
              impl_->store->folder / query.text(0),
              {}};
    auto metrics =
        impl_->store->query("SELECT split || '.' || name, value FROM final_metric WHERE run = ?1");
    metrics.with(found.id);
    while (metrics.step()) found.metrics[metrics.text(0)] = metrics.number(1);
    return found;
  });
}

std::string Store::config(const std::string& id) const {
  return util::read_file(impl_->store->folder / id / "config.toml");
}

bool Store::alive(const std::string& id) const {
  return impl_->store->read([&] {
    auto query =
        impl_->store->query("SELECT pid, boot FROM run WHERE id = ?1 AND status = 'running'");
    query.with(id);
    return query.step() && life({query.integer(0), query.text(1)}) == Life::alive;
  });
}

}  // namespace hilum::runs
