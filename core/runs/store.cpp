// SPDX-License-Identifier: Apache-2.0
#include "core/runs/store.hpp"

#include <charconv>
#include <chrono>
#include <cstdlib>

#include "core/runs/connection.hpp"
#include "core/runs/find.hpp"
#include "core/runs/process.hpp"
#include "core/runs/ulid.hpp"
#include "core/util/files.hpp"
#include "core/util/text.hpp"
#include "hilum/names.hpp"

namespace hilum::runs {
namespace fs = std::filesystem;
namespace {

// Trainers call heartbeat() every batch; the file is written this often.
constexpr std::chrono::seconds kBeat{10};

std::optional<double> as_number(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

// A string as TOML writes it is stored as what it says: --where "train.optimizer = adam".
std::string plain(const NewRun::Param& param) {
  const std::string& text = param.value;
  if (param.type != "string" || text.size() < 2 || text.front() != '"' || text.back() != '"')
    return text;
  std::string out;
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && i + 2 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

std::optional<double> stored(
    double value) {  // SQLite would make NULL of NaN too; here it is on purpose
  return value == value ? std::optional(value) : std::nullopt;
}

}  // namespace

struct Store::Impl {
  std::unique_ptr<Connection> store;
  std::mutex beat_mutex;
  std::string beat_run;
  std::chrono::steady_clock::time_point beat_time;

  bool beat_is_due(const std::string& id) {
    const std::lock_guard lock(beat_mutex);
    const auto now = std::chrono::steady_clock::now();
    if (id == beat_run && now < beat_time + kBeat) return false;
    beat_run = id, beat_time = now;
    return true;
  }
  void beat(const std::string& id) {
    auto query = store->query("UPDATE run SET heartbeat = ?2 WHERE id = ?1");
    query.with(id, util::now()).run();
  }
  void must_exist(const std::string& id) {
    auto query = store->query("SELECT 1 FROM run WHERE id = ?1");
    query.with(id);
    if (!query.step())
      throw Error(store->file().string() + ": run '" + id +
                  "' is not there (any more). Was it removed?");
  }
  std::string newest_id() {
    auto query = store->query("SELECT coalesce(max(id), '') FROM run");
    query.step();
    return query.text(0);
  }
  // What people read with SQL says `crashed` too, once the next run begins.
  void settle() {
    Strings gone;
    auto running = store->query("SELECT id, pid, boot FROM run WHERE status = 'running'");
    while (running.step())
      if (life({running.integer(1), running.text(2)}) == Life::gone)
        gone.push_back(running.text(0));
    for (const auto& id : gone) {
      auto query =
          store->query("UPDATE run SET status = 'crashed', ended = heartbeat WHERE id = ?1");
      query.with(id).run();
    }
  }
  void insert_run(const std::string& id, const NewRun& run) {
    auto query = store->query(
        "INSERT INTO run (id, name, experiment, status, started, heartbeat, seed, fold, parent, "
        "git, "
        "dirty, host, device, precision, torch, config_hash, note, pid, boot) VALUES (?1, ?2, ?3, "
        "'running', ?4, ?4, ?5, ?6, nullif(?7, ''), ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
        "?17)");
    query.with(id, run.name, run.experiment, util::now(), run.seed, run.fold, run.parent, run.git,
               int64_t{run.dirty}, run.host, run.device, run.precision, run.torch, run.config_hash,
               run.note, this_process().pid, this_process().boot);
    query.run();
  }
  void insert_params(const std::string& id, const std::vector<NewRun::Param>& params) {
    auto query = store->query(
        "INSERT OR REPLACE INTO param (run, key, value, type, number) VALUES (?1, ?2, ?3, ?4, ?5)");
    for (const auto& param : params) {
      const std::string value = plain(param);
      query.with(id, param.key, value, param.type, as_number(value)).run();
    }
  }
  void insert_plugins(const std::string& id, std::span<const PluginUse> plugins) {
    auto query = store->query("INSERT OR REPLACE INTO plugin VALUES (?1, ?2, ?3, ?4, ?5)");
    for (const auto& p : plugins) query.with(id, p.kind, p.name, p.version, p.sha256).run();
  }
};

fs::path default_folder() {
  const char* named = std::getenv("HILUM_RUNS");
  return named != nullptr && *named != '\0' ? fs::path(named) : fs::path("runs");
}

Store::Store(const fs::path& folder) : impl_(std::make_unique<Impl>()) {
  impl_->store = Connection::writable(fs::absolute(folder));
}
Store Store::existing(const fs::path& folder) {
  if (!fs::exists(folder / "hilum.db")) throw empty_store(folder);
  return Store(folder);
}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;

std::string Store::begin(const NewRun& run) {
  fs::path made;
  try {
    return impl_->store->write([&] {
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
  impl_->store->write([&] {
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
        "UPDATE run SET status = 'running', ended = NULL, error = NULL, heartbeat = ?2, pid = ?3, "
        "boot = ?4 WHERE id = ?1");
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
  impl_->store->write([&] {
    impl_->must_exist(id);
    impl_->insert_params(id, params);
  });
}

void Store::log(const std::string& id, std::span<const Metric> metrics) {
  impl_->store->write([&] {
    impl_->must_exist(id);
    auto query = impl_->store->query(
        "INSERT INTO metric (run, step, epoch, split, name, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
        "ON CONFLICT (run, split, name, step) DO UPDATE SET epoch = excluded.epoch, "
        "value = excluded.value");
    for (const auto& m : metrics)
      query.with(id, m.step, m.epoch, m.split, m.name, stored(m.value)).run();
    if (impl_->beat_is_due(id)) impl_->beat(id);
  });
}

void Store::log_cases(const std::string& id, const std::string& split,
                      std::span<const CaseMetric> cases) {
  impl_->store->write([&] {
    impl_->must_exist(id);
    auto drop = impl_->store->query("DELETE FROM case_metric WHERE run = ?1 AND split = ?2");
    drop.with(id, split).run();
    auto query = impl_->store->query(
        "INSERT INTO case_metric (run, split, patient, nodule, slice, name, value) VALUES (?1, ?2, "
        "?3, ?4, ?5, ?6, ?7)");
    for (const auto& c : cases)
      query.with(id, split, c.patient, c.nodule, c.slice, c.name, stored(c.value)).run();
  });
}

std::vector<std::string> Store::plugins_changed(const std::string& id,
                                                std::span<const PluginUse> now) const {
  return impl_->store->write([&] {
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
  impl_->store->write([&] {
    impl_->must_exist(id);
    auto query = impl_->store->query("INSERT OR REPLACE INTO artifact VALUES (?1, ?2, ?3, ?4)");
    query.with(id, kind, (is_inside ? inside : fs::absolute(path)).string(), util::now()).run();
  });
}

void Store::add_tag(const std::string& id, const std::string& tag) {
  impl_->store->write([&] {
    impl_->must_exist(id);
    auto query = impl_->store->query("INSERT OR IGNORE INTO tag VALUES (?1, ?2)");
    query.with(id, tag).run();
  });
}

void Store::finish(const std::string& id, const std::string& status, const std::string& error) {
  if (status != "done" && status != "failed" && status != "interrupted")
    throw Error("run '" + id + "': status is '" + status + "', allowed done, failed, interrupted.");
  impl_->store->write([&] {
    impl_->must_exist(id);
    auto query = impl_->store->query(
        "UPDATE run SET status = ?2, ended = ?3, heartbeat = ?3, error = nullif(?4, '') WHERE id = "
        "?1");
    query.with(id, status, util::now(), error).run();
  });
}

Run Store::find(const std::string& run) const {
  return impl_->store->read([&] {
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
