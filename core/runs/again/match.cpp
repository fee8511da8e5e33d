// SPDX-License-Identifier: Apache-2.0
#include "core/runs/again/match.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "core/runs/again/drift.hpp"
#include "core/runs/ask/find.hpp"
#include "core/runs/digest.hpp"
#include "core/runs/param.hpp"
#include "core/runs/reader.hpp"
#include "hilum/names.hpp"

namespace hilum::runs {
namespace {

constexpr size_t kTold = 3;     // changed parameters that a sentence lists
constexpr size_t kLength = 40;  // characters of a value in it

using Plugins = std::map<std::string, std::string>;  // "fusion/gated" -> sha256

// A run as far as it matters here.
struct Candidate {
  std::string id, status, fingerprint, program, place;  // place: "process 123 on host 'a'"
};

Plugins plugins_of(Connection& store, const std::string& run) {
  Plugins plugins;
  auto query = store.query("SELECT kind || '/' || name, sha256 FROM plugin WHERE run = ?1");
  query.with(run);
  while (query.step()) plugins[query.text(0)] = query.text(1);
  return plugins;
}

Plugins plugins_of(const Work& work) {
  Plugins plugins;
  for (const auto& p : work.plugins) plugins[p.kind + "/" + p.name] = p.sha256;
  return plugins;
}

std::string param_of(Connection& store, const std::string& run, const std::string& key) {
  auto query = store.query("SELECT value FROM param WHERE run = ?1 AND key = ?2");
  query.with(run, key);
  return query.step() ? query.text(0) : "";
}
std::string fingerprint_of(Connection& store, const std::string& run) {
  return param_of(store, run, "resolved.fingerprint");
}
std::string program_of(Connection& store, const std::string& run) {
  return param_of(store, run, "resolved.program");
}

// Runs with the work's config, newest first.
std::vector<Candidate> with_config(Connection& store, const std::string& hash) {
  std::vector<Candidate> found;
  auto query = store.query(
      "SELECT id, hilum_status(status, pid, boot, heartbeat), pid, host FROM run "
      "WHERE config_hash = ?1 ORDER BY id DESC");
  query.with(hash);
  while (query.step())
    found.push_back({query.text(0), query.text(1), fingerprint_of(store, query.text(0)),
                     program_of(store, query.text(0)),
                     "process " + query.text(2) + " on host '" + query.text(3) + "'"});
  return found;
}

std::optional<int64_t> integer(const std::vector<NewRun::Param>& params, const std::string& key) {
  for (const auto& param : params)
    if (param.key == key)
      if (const auto number = as_number(param.value)) return static_cast<int64_t>(*number);
  return {};
}

// A tag may stand for several folds and seeds: another fold is no earlier form of this one.
std::string newest_with_tag(Connection& store, const std::string& tag,
                            const std::vector<NewRun::Param>& params) {
  if (tag.empty()) return "";
  auto query = store.query(
      "SELECT r.id FROM tag t JOIN run r ON r.id = t.run WHERE t.tag = ?1 "
      "AND (?2 IS NULL OR r.seed = ?2) AND (?3 IS NULL OR r.fold = ?3) "
      "AND hilum_status(r.status, r.pid, r.boot, r.heartbeat) != 'running' "
      "ORDER BY r.id DESC LIMIT 1");
  query.with(tag, integer(params, "experiment.seed"), integer(params, "data.fold"));
  return query.step() ? query.text(0) : "";
}

std::string shown_value(const std::string& value) {
  if (value.empty()) return "''";
  if (value.size() <= kLength) return value;
  size_t end = kLength - 3;
  while (end > 0 && (value[end] & 0xC0) == 0x80) --end;  // not within a character
  return value.substr(0, end) + "...";
}

// "data.roi was [64, 64], now [96, 96]; and 2 more"
Strings told_params(Connection& store, const std::string& run,
                    const std::vector<NewRun::Param>& params) {
  std::map<std::string, std::string> before;
  auto query = store.query("SELECT key, value FROM param WHERE run = ?1");
  query.with(run);
  while (query.step()) before[query.text(0)] = query.text(1);
  const auto said = [](const std::optional<std::string>& value) {
    return value ? shown_value(*value) : "not set";
  };
  Strings told;
  for (const auto& [key, was, now] : changed_params(std::move(before), params))
    told.push_back(key + " was " + said(was) + ", now " + said(now));
  const size_t more = told.size() > kTold ? told.size() - kTold : 0;
  if (more > 0) told.resize(kTold), told.push_back("and " + std::to_string(more) + " more");
  return told;
}

// Parts that came or went show in the parameters already.
Strings rebuilt(const Plugins& before, const Plugins& now, const std::string& run) {
  Strings told;
  for (const auto& [name, sha256] : now)
    if (const auto was = before.find(name); was != before.end() && was->second != sha256)
      told.push_back("plugin " + name + " was rebuilt since run " + run);
  return told;
}

std::string difference(Connection& store, const std::string& run, const Work& work,
                       const std::vector<NewRun::Param>& params) {
  const std::string name = short_id(store, run);
  Strings told = told_params(store, run, params);
  const auto plugins = rebuilt(plugins_of(store, run), plugins_of(work), name);
  told.insert(told.end(), plugins.begin(), plugins.end());
  const std::string fingerprint = fingerprint_of(store, run);
  if (!fingerprint.empty() && fingerprint != work.fingerprint)
    told.push_back("the data changed since run " + name);
  if (!work.program.empty() && work.program != program_of(store, run))
    told.push_back("Hilum itself was rebuilt since run " + name);
  if (!told.empty()) return join(told, "; ");
  auto query = store.query("SELECT status, error FROM run WHERE id = ?1");
  query.with(run);
  query.step();
  const std::string error = query.text(1);
  if (query.text(0) == "failed")
    return "run " + name + " failed: " + error.substr(0, error.find('\n'));
  return "the configuration or its plugins changed since run " + name;
}

Match found(Connection& store, const Work& work, const std::vector<NewRun::Param>& params) {
  auto candidates = with_config(store, work.config_hash);
  const Plugins plugins = plugins_of(work);
  const auto same = [&](const Candidate& c) {
    return (c.fingerprint == work.fingerprint || (c.fingerprint.empty() && c.status != "done")) &&
           (work.program.empty() || c.program == work.program) &&
           plugins_of(store, c.id) == plugins;
  };
  std::string earlier = newest_with_tag(store, work.tag, params), edited;
  std::optional<Match> running, resumable;
  for (const auto& c : candidates) {
    if (earlier.empty() && c.status != "running") earlier = c.id;
    if (!same(c)) continue;
    if (c.status == "done") {
      if (seal_of(store, c.id) != Seal::broken) return {Match::Kind::done, c.id, ""};
      if (edited.empty()) edited = c.id;
    } else if (c.status == "running" && !running) {
      running = {Match::Kind::running, c.id,
                 "run " + short_id(store, c.id) + " is under way in " + c.place};
    } else if ((c.status == "interrupted" || c.status == "crashed") && !resumable) {
      resumable = {Match::Kind::resumable, c.id, ""};
    }
  }
  if (running) return *running;
  if (resumable) return *resumable;
  if (!edited.empty() && edited >= earlier)
    return {Match::Kind::none, "", "run " + short_id(store, edited) + " was edited by hand"};
  if (earlier.empty()) return {Match::Kind::none, "", "not run yet"};
  return {Match::Kind::none, "", difference(store, earlier, work, params)};
}

}  // namespace

Match find_work(const Reader& reader, const Work& work, const std::vector<NewRun::Param>& params) {
  auto& store = reader.impl().store;
  if (!store) return {Match::Kind::none, "", "not run yet"};
  return store->read([&] { return found(*store, work, params); });
}

}  // namespace hilum::runs
