// SPDX-License-Identifier: Apache-2.0
// What store.cpp and store_figures.cpp share.
#pragma once
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "core/runs/param.hpp"
#include "core/runs/process.hpp"
#include "core/runs/sqlite/connection.hpp"
#include "core/runs/store.hpp"
#include "core/runs/store_writer.hpp"
#include "core/util/text.hpp"
#include "hilum/names.hpp"

namespace hilum::runs {

// Trainers call heartbeat() every batch; the file is written this often.
constexpr std::chrono::seconds kBeat{10};

// All after beat_is_due: call inside write.
struct Store::Impl {
  std::unique_ptr<Connection> store;
  std::mutex beat_mutex;
  std::string beat_run;
  std::chrono::steady_clock::time_point beat_time;
  Writer writer{[this](const std::vector<Logged>& calls) { write_logged(calls); },
                [this] {
                  const std::lock_guard lock(store->mutex);
                  store->tidy();
                }};

  // What was logged before is there first.
  template <class F>
  auto write(F&& work) {
    writer.flush();
    return store->write(work);
  }
  template <class F>
  auto read(F&& work) {
    writer.flush();
    return store->read(work);
  }
  void write_logged(const std::vector<Logged>& calls);  // store_figures.cpp
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
      const std::string value = stored_value(param);
      query.with(id, param.key, value, param.type, as_number(value)).run();
    }
  }
  void insert_plugins(const std::string& id, std::span<const PluginUse> plugins) {
    auto query = store->query(
        "INSERT OR REPLACE INTO plugin (run, kind, name, version, sha256, build) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    for (const auto& p : plugins)
      query.with(id, p.kind, p.name, p.version, p.sha256, p.build).run();
  }
};

}  // namespace hilum::runs
