// SPDX-License-Identifier: Apache-2.0
#include "core/runs/benchmarks.hpp"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "core/runs/sqlite/connection.hpp"
#include "core/runs/ulid.hpp"
#include "core/util/text.hpp"

namespace hilum::runs {
namespace {
namespace fs = std::filesystem;

constexpr size_t kListed = 10;  // matches that an error lists
constexpr const char* kColumns =
    "id, created, kind, plugin, version, sha256, build, name, host, device, threads, torch, git, "
    "options, median, low, high, samples, tag";

// An archive of before version 3 has another table of this name.
bool has_recordings(Connection& store) {
  auto query = store.query("SELECT 1 FROM pragma_table_info('benchmark') WHERE name = 'samples'");
  return query.step();
}

Recording recording_of(const Query& row) {
  Recording r;
  r.id = row.text(0), r.created = row.text(1), r.kind = row.text(2), r.plugin = row.text(3);
  r.version = row.text(4), r.sha256 = row.text(5), r.build = row.text(6);
  r.host = row.text(8), r.device = row.text(9), r.threads = row.integer(10);
  r.torch = row.text(11), r.git = row.text(12), r.tag = row.text(18);
  return r;
}

Timing timing_of(const Query& row, const Connection& store) {
  Timing t{.name = row.text(7), .options = row.text(13)};
  t.median = row.number(14), t.low = row.number(15), t.high = row.number(16);
  try {
    t.samples = nlohmann::json::parse(row.text(17)).get<std::vector<double>>();
  } catch (const nlohmann::json::exception&) {
    throw Error(store.file().string() + ": benchmark " + row.text(0) + ", '" + t.name +
                    "': samples are no JSON list of numbers.",
                Fault::data);
  }
  return t;
}

// `query` is ordered by id, so that each recording's rows follow each other.
std::vector<Recording> collect(Query query, const Connection& store) {
  std::vector<Recording> all;
  while (query.step()) {
    if (all.empty() || all.back().id != query.text(0)) all.push_back(recording_of(query));
    all.back().timings.push_back(timing_of(query, store));
  }
  return all;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

Error ambiguous(const std::string& id, const std::vector<Recording>& found) {
  std::string text =
      "recording '" + id + "' is the start of " + std::to_string(found.size()) + " ids:";
  for (size_t i = 0; i < std::min(found.size(), kListed); ++i)
    text += "\n  " + found[i].id + "  " + found[i].address() + "  " + found[i].created;
  if (found.size() > kListed)
    text += "\n  and " + std::to_string(found.size() - kListed) + " older";
  return Error(text + "\nGive more of the id.", Fault::request);
}

Error none_of(const std::string& id, const fs::path& folder) {
  return Error("no recording '" + id + "' in " + (fs::absolute(folder) / "hilum.db").string() +
                   ". `hilum plugins bench --list` shows those that there are; --record makes one.",
               Fault::request);
}

}  // namespace

void record(Recording& recording, const fs::path& folder) {
  const auto store = Connection::writable(folder);
  store->write([&] {
    auto newest = store->query("SELECT coalesce(max(id), '') FROM benchmark");
    newest.step();
    recording.id = new_ulid(newest.text(0)), recording.created = util::now();
    auto query = store->query("INSERT INTO benchmark (" + std::string(kColumns) +
                              ", repetitions) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
                              "?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)");
    const auto& r = recording;
    for (const auto& t : r.timings)
      query
          .with(r.id, r.created, r.kind, r.plugin, r.version, r.sha256, r.build, t.name, r.host,
                r.device, r.threads, r.torch, r.git, t.options, t.median, t.low, t.high,
                nlohmann::json(t.samples).dump(), r.tag, static_cast<int64_t>(t.samples.size()))
          .run();
  });
}

std::vector<Recording> recordings(const std::string& plugin, const fs::path& folder) {
  const auto store = Connection::readable(folder);
  if (!store) return {};
  return store->read([&]() -> std::vector<Recording> {
    if (!has_recordings(*store)) return {};
    auto query = store->query("SELECT " + std::string(kColumns) +
                              " FROM benchmark WHERE ?1 = '' OR kind || '/' || plugin = ?1 "
                              "ORDER BY id DESC, name");
    query.with(plugin);
    return collect(std::move(query), *store);
  });
}

Recording find_recording(const std::string& id, const fs::path& folder) {
  const auto store = Connection::readable(folder);
  if (!store || !is_ulid_prefix(id)) throw none_of(id, folder);
  return store->read([&] {
    if (!has_recordings(*store)) throw none_of(id, folder);
    auto query = store->query("SELECT " + std::string(kColumns) +
                              " FROM benchmark WHERE id >= ?1 AND id < ?2 ORDER BY id DESC, name");
    query.with(upper(id), upper(id) + "~");  // '~' sorts after every digit of an id
    auto found = collect(std::move(query), *store);
    if (found.empty()) throw none_of(id, folder);
    if (found.size() > 1) throw ambiguous(id, found);
    return found.front();
  });
}

}  // namespace hilum::runs
