// SPDX-License-Identifier: Apache-2.0
#include "core/plugins/cache.hpp"

#include <sys/stat.h>

#include <set>

#include "core/plugins/declaration_json.hpp"
#include "core/util/files.hpp"
#include "core/util/sha256.hpp"

namespace hilum::plugins {
namespace {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;  // of the file; one of another format is not read

// What changes when the file does, without reading it.
std::string signature(const fs::path& library) {
  struct stat s {};
  if (stat(library.c_str(), &s) != 0) return "";
  const auto time = [](const timespec& t) {
    return std::to_string(t.tv_sec) + "." + std::to_string(t.tv_nsec);
  };
  return std::to_string(s.st_size) + " " + time(s.st_mtim) + " " + time(s.st_ctim) + " " +
         std::to_string(s.st_ino);
}

Json report_json(const Report& report) {
  if (report.failure)
    return {{"step", to_text(report.failure->step)},
            {"cause", report.failure->cause},
            {"advice", report.failure->advice}};
  Json plugins = Json::array();
  for (const auto& plugin : report.plugins) plugins.push_back(to_json(plugin));
  return {{"plugins", plugins}};
}

Report report_from(const Json& json) {
  Report report;
  if (json.contains("cause")) {
    report.failure = Failure{Step::loads, json.at("cause"), json.at("advice")};
    for (const Step step : all_steps())
      if (to_text(step) == json.at("step")) report.failure->step = step;
  } else {
    for (const auto& item : json.at("plugins")) report.plugins.push_back(declaration_from(item));
  }
  return report;
}

}  // namespace

Cache::Cache(const fs::path& folder, const std::string& stamp) {
  if (folder.empty()) return;
  file_ = folder / (stamp + ".json");
  content_ = read();
}

Cache::Content Cache::read() const {
  Content content;
  std::error_code ignored;
  if (file_.empty() || !fs::exists(file_, ignored)) return content;
  try {
    const Json json = Json::parse(util::read_file(file_));
    if (json.at("format") != kFormat) return content;
    for (const auto& [path, item] : json.at("files").items())
      content.files[path] = {item.at("signature"), item.at("sha256")};
    for (const auto& [sha256, item] : json.at("libraries").items())
      content.libraries[sha256] = report_from(item);
  } catch (const std::exception&) {
    return {};  // damaged or of another version: described anew
  }
  return content;
}

std::string Cache::sha256(const fs::path& library) {
  const std::string now = signature(library);
  auto& known = content_.files[library.string()];
  if (known.signature != now || known.sha256.empty()) {
    known = {};  // in case the file cannot be read
    known = {now, util::sha256_file(library)};
    changed_ = true;
  }
  return known.sha256;
}

std::optional<Report> Cache::find(const std::string& sha256) const {
  const auto found = content_.libraries.find(sha256);
  if (found == content_.libraries.end()) return std::nullopt;
  return found->second;
}

void Cache::put(const std::string& sha256, const Report& report) {
  content_.libraries[sha256] = report;
  changed_ = true;
}

void Cache::save() {
  if (file_.empty() || !changed_) return;
  Content all = read();
  for (const auto& [path, file] : content_.files) all.files[path] = file;
  for (const auto& [sha256, report] : content_.libraries) all.libraries[sha256] = report;
  Json json{{"format", kFormat}, {"files", Json::object()}, {"libraries", Json::object()}};
  std::set<std::string> used;
  for (const auto& [path, file] : all.files) {
    std::error_code ignored;
    if (file.sha256.empty() || !fs::exists(path, ignored)) continue;  // the cache stays small
    json["files"][path] = {{"signature", file.signature}, {"sha256", file.sha256}};
    used.insert(file.sha256);
  }
  for (const auto& [sha256, report] : all.libraries)
    if (used.contains(sha256)) json["libraries"][sha256] = report_json(report);
  try {
    util::write_file(file_, dump(json, 1) + "\n");
    changed_ = false;
  } catch (const std::exception&) {
    // A cache that cannot be written costs a child process next time.
  }
}

}  // namespace hilum::plugins
