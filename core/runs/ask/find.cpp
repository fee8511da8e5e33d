// SPDX-License-Identifier: Apache-2.0
#include "core/runs/ask/find.hpp"

#include <algorithm>
#include <cctype>

#include "core/runs/ulid.hpp"
#include "hilum/names.hpp"

namespace hilum::runs {
namespace {

constexpr size_t kListed = 10;  // matches that an error lists

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string first_text(Query query) { return query.step() ? query.text(0) : ""; }

size_t shared_start(const std::string& a, const std::string& b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                             a.begin());
}

// Ids that begin with `prefix`, newest first. '~' sorts after every digit of an id.
std::vector<std::pair<std::string, std::string>> matches(Connection& store,
                                                         const std::string& prefix) {
  std::vector<std::pair<std::string, std::string>> found;
  if (!is_ulid_prefix(prefix)) return found;
  auto query = store.query("SELECT id, name FROM run WHERE id >= ?1 AND id < ?2 ORDER BY id DESC");
  query.with(upper(prefix), upper(prefix) + "~");
  while (query.step()) found.emplace_back(query.text(0), query.text(1));
  return found;
}

Error no_such_run(Connection& store, const std::string& run) {
  Strings names;
  auto query = store.query("SELECT DISTINCT name FROM run ORDER BY name");
  while (query.step()) names.push_back(query.text(0));
  auto count = store.query("SELECT count(*) FROM run");
  count.step();
  return Error("no run '" + run + "' among the " + std::to_string(count.integer(0)) + " in " +
                   store.file().string() + "." + suggestion(run, names) +
                   " Give an id, the start of one, a name or @last; `hilum runs list` shows them.",
               Fault::request);
}

Error ambiguous(const std::string& run,
                const std::vector<std::pair<std::string, std::string>>& found) {
  std::string text = "run '" + run + "' is the start of " + std::to_string(found.size()) + " ids:";
  for (size_t i = 0; i < std::min(found.size(), kListed); ++i)
    text += "\n  " + found[i].first + "  " + found[i].second;
  if (found.size() > kListed)
    text += "\n  and " + std::to_string(found.size() - kListed) + " older";
  return Error(text + "\nGive more of the id.", Fault::request);
}

}  // namespace

Error empty_store(const std::filesystem::path& folder) {
  return Error(
      "no runs in " + std::filesystem::absolute(folder).string() +
          ": the store is empty. `hilum run EXPERIMENT.toml` records one; HILUM_RUNS names "
          "another folder.",
      Fault::request);
}

std::string find_id(Connection& store, const std::string& run) {
  const std::string last = first_text(store.query("SELECT id FROM run ORDER BY id DESC LIMIT 1"));
  if (last.empty()) throw empty_store(store.folder);
  if (run == "@last") return last;
  const auto found = matches(store, run);
  if (found.size() == 1) return found[0].first;
  auto query = store.query("SELECT id FROM run WHERE name = ?1 ORDER BY id DESC LIMIT 1");
  query.with(run);
  if (query.step()) return query.text(0);
  if (!found.empty()) throw ambiguous(run, found);
  throw no_such_run(store, run);
}

std::string short_id(Connection& store, const std::string& id) {
  auto before = store.query("SELECT max(id) FROM run WHERE id < ?1");
  auto after = store.query("SELECT min(id) FROM run WHERE id > ?1");
  before.with(id), after.with(id);
  before.step(), after.step();
  const size_t shared = std::max(shared_start(id, before.text(0)), shared_start(id, after.text(0)));
  return id.substr(0, std::max<size_t>(8, shared + 1));
}

}  // namespace hilum::runs
