// SPDX-License-Identifier: Apache-2.0
#include "core/runs/tidy/edit.hpp"

#include <algorithm>
#include <array>

#include "core/runs/reader.hpp"
#include "hilum/names.hpp"

namespace hilum::runs {
namespace {
namespace fs = std::filesystem;

constexpr std::array kOwn{"phantom", "lesion-split", "evaluation"};
constexpr std::array kOwnStarts{"rerun:", "table:"};

void refuse_own(const Strings& tags, const char* what) {
  for (const auto& tag : tags)
    if (is_own_tag(tag))
      throw Error("tag '" + tag +
                      "' is one that Hilum gives itself and reads: tables tell by such "
                      "tags what a figure rests on, and which run is whose. Give --force to " +
                      what + " it all the same; nothing was changed.",
                  Fault::request);
}

Strings tags_in(Connection& store, const std::string& run) {
  Strings tags;
  auto query = store.query("SELECT tag FROM tag WHERE run = ?1 ORDER BY tag");
  query.with(run);
  while (query.step()) tags.push_back(query.text(0));
  return tags;
}

void must_exist(Connection& store, const std::string& run) {
  auto query = store.query("SELECT 1 FROM run WHERE id = ?1");
  query.with(run);
  if (!query.step())
    throw Error("run '" + run + "' is not there any more: it was removed meanwhile.",
                Fault::request);
}

}  // namespace

void check_tag(const std::string& tag) {
  const auto wrong = [](unsigned char c) { return c <= 0x20 || c == 0x7F || c == ','; };
  if (tag.empty() || std::any_of(tag.begin(), tag.end(), wrong))
    throw Error("tag: value is '" + tag +
                    "', allowed printable text without blanks and commas, such as 'paper' or "
                    "'lr:high'.",
                Fault::request);
}

bool is_own_tag(const std::string& tag) {
  return std::find(kOwn.begin(), kOwn.end(), tag) != kOwn.end() ||
         std::any_of(kOwnStarts.begin(), kOwnStarts.end(),
                     [&](const char* start) { return tag.starts_with(start); });
}

Strings tags_of(const Reader& reader, const std::string& run) {
  auto& store = *reader.impl().store;
  return store.read([&] { return tags_in(store, run); });
}

std::string note_of(const Reader& reader, const std::string& run) {
  auto& store = *reader.impl().store;
  return store.read([&] {
    auto query = store.query("SELECT note FROM run WHERE id = ?1");
    query.with(run);
    return query.step() ? query.text(0) : "";
  });
}

void add_tags(const fs::path& folder, const std::string& run, const Strings& tags, bool force) {
  for (const auto& tag : tags) check_tag(tag);
  if (!force) refuse_own(tags, "add");
  const auto store = Connection::writable(fs::absolute(folder));
  store->write([&] {
    must_exist(*store, run);
    auto query = store->query("INSERT OR IGNORE INTO tag (run, tag) VALUES (?1, ?2)");
    for (const auto& tag : tags) query.with(run, tag).run();
  });
}

void remove_tags(const fs::path& folder, const std::string& run, const Strings& tags, bool force) {
  if (!force) refuse_own(tags, "remove");
  const auto store = Connection::writable(fs::absolute(folder));
  store->write([&] {
    must_exist(*store, run);
    const Strings has = tags_in(*store, run);
    for (const auto& tag : tags)
      if (std::find(has.begin(), has.end(), tag) == has.end())
        throw Error("run '" + run + "' has no tag '" + tag + "'." +
                        (has.empty() ? " It has none." : suggestion(tag, has)) +
                        " Nothing was changed.",
                    Fault::request);
    auto query = store->query("DELETE FROM tag WHERE run = ?1 AND tag = ?2");
    for (const auto& tag : tags) query.with(run, tag).run();
  });
}

void set_note(const fs::path& folder, const std::string& run, const std::string& text,
              bool append) {
  const auto store = Connection::writable(fs::absolute(folder));
  store->write([&] {
    must_exist(*store, run);
    auto query = store->query(append ? "UPDATE run SET note = CASE note WHEN '' THEN ?2 ELSE note "
                                       "|| char(10) || ?2 END WHERE id = ?1"
                                     : "UPDATE run SET note = ?2 WHERE id = ?1");
    query.with(run, text).run();
  });
}

}  // namespace hilum::runs
