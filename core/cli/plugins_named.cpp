// SPDX-License-Identifier: Apache-2.0
#include "core/cli/plugins_named.hpp"

#include <algorithm>
#include <iostream>

#include "hilum/error.hpp"
#include "hilum/names.hpp"

namespace hilum::cli {
namespace {
using plugins::Catalog;
using plugins::Description;
using plugins::Entry;
using Json = nlohmann::ordered_json;

std::string quoted(const Strings& words) { return "'" + join(words, "', '") + "'"; }

}  // namespace

Json to_json(const Description& d, bool whole) {
  Json json = plugins::to_json(d.declaration);
  if (!whole) json.erase("parameters");
  json["library"] = d.entry.library.string();
  json["listed"] = d.entry.listed;
  json["built_in"] = d.entry.own;
  json["sha256"] = d.sha256;
  json["status"] = d.failure ? "broken" : "ok";
  if (d.failure) {
    json["step"] = plugins::to_text(d.failure->step);
    json["cause"] = d.failure->cause;
    json["advice"] = d.failure->advice;
  }
  return json;
}

// Places that could not be read hide plugins, so they are always told.
void tell_places(const Catalog& catalog) {
  for (const auto& place : catalog.places())
    if (!place.problem.empty())
      std::cerr << "note: " << place.path.string() << ": " << place.problem << "\n";
}

std::vector<Entry> named_plugins(const Catalog& catalog, const std::string& text) {
  if (text.ends_with(".so")) return {Catalog::from_file(text)};
  std::vector<Entry> found;
  Strings addresses, all, names;
  for (const auto& entry : catalog.entries()) {
    all.push_back(entry.address()), names.push_back(entry.name);
    if (text != entry.address() && text != entry.name) continue;
    if (std::find(addresses.begin(), addresses.end(), entry.address()) == addresses.end())
      addresses.push_back(entry.address());
    found.push_back(entry);
  }
  if (addresses.size() > 1)
    throw Error("'" + text + "' is the name of several plugins: " + quoted(addresses) +
                    ". Write one of these.",
                Fault::request);
  if (!found.empty()) return found;
  if (const size_t slash = text.find('/'); slash != std::string::npos)
    (void)catalog.find(text.substr(0, slash),
                       text.substr(slash + 1));  // throws, with where it looked
  const std::string near = nearest(text, names);
  for (const auto& address : all)
    if (!near.empty() && address.ends_with("/" + near))
      throw Error("no plugin named '" + text + "'. Did you mean '" + address + "'?",
                  Fault::request);
  throw Error("no plugin named '" + text + "'." + suggestion(text, all), Fault::request);
}

}  // namespace hilum::cli
