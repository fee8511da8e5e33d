// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/config/reader.hpp"

namespace hilum::config {
namespace {

bool is_under(const std::string& key, const std::string& prefix) {
  return prefix.empty() || key == prefix || key.starts_with(prefix + ".");
}

// Keys and the tables that they stand in: "train", "train.lr".
Strings known_prefixes(const std::vector<Entry>& entries) {
  Strings known;
  for (const auto& entry : entries) {
    known.push_back(entry.key);
    for (auto dot = entry.key.find('.'); dot != std::string::npos;
         dot = entry.key.find('.', dot + 1))
      known.push_back(entry.key.substr(0, dot));
  }
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  return known;
}

}  // namespace

std::vector<Explanation> explain(const Document& document, const MakeLookup& make_lookup,
                                 const std::string& prefix) {
  Reader reader(document);
  reader.read(make_lookup);
  std::vector<Explanation> lines;
  for (const auto& [key, parameter, value, where] : reader.entries)
    if (is_under(key, prefix))
      lines.push_back({key, to_text(value), type_name(parameter.fallback), allowed(parameter),
                       parameter.unit, parameter.help, where.empty() ? "default" : where});
  if (!lines.empty()) return lines;
  const auto known = known_prefixes(reader.entries);
  std::string hint = suggestion(prefix, known);
  for (const auto& key : known)  // lr for train.lr
    if (nearest(prefix, known).empty() && key.ends_with("." + prefix))
      hint = " Did you mean '" + key + "'?";
  throw Error(document.file.string() + ": no key or table is called '" + prefix + "'." + hint,
              Fault::request);
}

}  // namespace hilum::config
