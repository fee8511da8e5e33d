// SPDX-License-Identifier: Apache-2.0
#include "core/plugins/registry.hpp"

#include <toml++/toml.h>

#include <algorithm>

namespace hilum::plugins {
namespace {
namespace fs = std::filesystem;

std::string location(const fs::path& file, const toml::source_region& at) {
  return file.string() + ":" + std::to_string(at.begin.line) + ":" +
         std::to_string(at.begin.column);
}

[[noreturn]] void wrong(const std::string& where, const std::string& what) {
  throw Error(where + ": " + what, Fault::plugin);
}

// "backbone/unet"
void parse_key(const std::string& where, const std::string& key, Entry& entry) {
  const size_t slash = key.find('/');
  if (slash == std::string::npos)
    wrong(where, "'" + key + "' is not of the form \"kind/name\", such as [\"backbone/unet\"].");
  entry.kind = key.substr(0, slash), entry.name = key.substr(slash + 1);
  if (std::find(kinds().begin(), kinds().end(), entry.kind) == kinds().end())
    wrong(where, "unknown kind '" + entry.kind + "'." + suggestion(entry.kind, kinds()));
  if (!is_name(entry.name))
    wrong(where, "'" + entry.name +
                     "' cannot be a plugin's name: letters, digits, _ and - are "
                     "allowed, a letter or _ first.");
}

Entry parse_entry(const fs::path& file, const toml::key& key, const toml::node& node) {
  Entry entry;
  entry.listed = location(file, key.source());
  parse_key(entry.listed, std::string(key.str()), entry);
  const toml::table* table = node.as_table();
  if (!table)
    wrong(entry.listed,
          "'" + entry.address() + "' is a " + std::string(node.is_string() ? "string" : "value") +
              ", wanted a table with library = \"" + entry.kind + "_" + entry.name + ".so\".");
  for (const auto& [option, value] : *table)
    if (option != "library")
      wrong(location(file, option.source()), "'" + entry.address() + "': unknown key '" +
                                                 std::string(option.str()) + "'." +
                                                 suggestion(option.str(), {"library"}));
  const auto library = (*table)["library"].value<std::string>();
  if (!library || library->empty())
    wrong(entry.listed, "'" + entry.address() + "' has no library = \"...\".");
  entry.library = (file.parent_path() / *library).lexically_normal();
  return entry;
}

}  // namespace

const Strings& kinds() {
  static const Strings names{"backbone", "fusion", "regularizer", "head"};
  return names;
}

std::vector<Entry> read_registry(const fs::path& file) {
  toml::table root;
  try {
    root = toml::parse_file(file.string());
  } catch (const toml::parse_error& e) {
    wrong(location(file, e.source()), std::string(e.description()));
  }
  std::vector<Entry> entries;
  for (const auto& [key, node] : root) entries.push_back(parse_entry(file, key, node));
  return entries;
}

bool parse_file_name(const fs::path& library, Entry& entry) {
  const std::string stem = library.stem().string();
  if (library.extension() != ".so") return false;
  for (const auto& kind : kinds())
    if (stem.starts_with(kind + "_") && is_name(stem.substr(kind.size() + 1))) {
      entry.kind = kind, entry.name = stem.substr(kind.size() + 1);
      return true;
    }
  return false;
}

std::vector<Entry> read_folder(const fs::path& folder) {
  if (fs::exists(folder / "registry.toml")) return read_registry(folder / "registry.toml");
  std::vector<Entry> entries;
  for (const auto& file : fs::directory_iterator(folder)) {
    Entry entry{.kind = {}, .name = {}, .library = file.path(), .listed = folder.string()};
    if (parse_file_name(file.path(), entry)) entries.push_back(entry);
  }
  return entries;
}

}  // namespace hilum::plugins
