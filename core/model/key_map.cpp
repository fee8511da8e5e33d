// SPDX-License-Identifier: Apache-2.0
#include "core/model/key_map.hpp"

#include <fnmatch.h>

#include "core/config/toml.hpp"
#include "core/util/files.hpp"
#include "hilum/error.hpp"

namespace hilum::model {
namespace {

// "C2" of "C2.0.conv1.weight": what is behind it, ".0.conv1.weight", or none.
std::optional<std::string> behind(const std::string& prefix, const std::string& name) {
  if (prefix.empty()) return "." + name;
  if (!name.starts_with(prefix)) return std::nullopt;
  const std::string rest = name.substr(prefix.size());
  if (!rest.empty() && rest.front() != '.') return std::nullopt;
  return rest;
}

[[noreturn]] void refuse(const config::Node& node, const std::string& what) {
  throw Error(node.where + ": " + what, Fault::request);
}

void read_prefixes(const config::Node& table, Prefixes& prefixes) {
  if (table.data) refuse(table, "'prefix' must be a table: [prefix]");
  for (const auto& entry : table.children) {
    const auto* text = entry.data ? std::get_if<std::string>(&*entry.data) : nullptr;
    if (!text)
      refuse(entry, "'" + entry.key +
                        "' must be a text. Write names with dots in quotes: \"head.mask.conv\" = "
                        "\"segmentation_head.0\"");
    prefixes[entry.key] = *text;
  }
}

}  // namespace

std::optional<std::string> published_name(const Prefixes& prefixes, const std::string& own) {
  std::optional<std::string> name;
  size_t longest = 0;
  for (const auto& [prefix, published] : prefixes) {
    const auto rest = behind(prefix, own);
    if (!rest || (name && prefix.size() < longest)) continue;
    longest = prefix.size();
    name = published.empty() && !rest->empty() ? rest->substr(1) : published + *rest;
  }
  return name;
}

KeyMap KeyMap::read(const std::filesystem::path& file) {
  if (!std::filesystem::is_regular_file(file))
    throw Error(file.string() + ": no such key map", Fault::request);
  KeyMap map;
  for (const auto& node : config::parse_toml(util::read_file(file), file.string()).children) {
    if (node.key == "prefix") {
      read_prefixes(node, map.prefixes);
    } else if (node.key == "drop") {
      const auto* list = node.data ? std::get_if<Strings>(&*node.data) : nullptr;
      if (!list) refuse(node, "'drop' must be a list of names: drop = [\"fc.*\"]");
      map.drop = *list;
    } else {
      refuse(node,
             "a key map has no '" + node.key + "'." + suggestion(node.key, {"prefix", "drop"}));
    }
  }
  return map;
}

bool KeyMap::drops(const std::string& published) const {
  for (const auto& pattern : drop)
    if (fnmatch(pattern.c_str(), published.c_str(), 0) == 0) return true;
  return false;
}

Prefixes KeyMap::over(Prefixes aliases, const std::string& part) const {
  for (const auto& [own, published] : prefixes) {
    const std::string full = part + own;
    // "" is the part itself: "cls." without its dot.
    aliases[own.empty() && !part.empty() ? part.substr(0, part.size() - 1) : full] = published;
  }
  return aliases;
}

}  // namespace hilum::model
