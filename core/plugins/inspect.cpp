// SPDX-License-Identifier: Apache-2.0
#include "core/plugins/inspect.hpp"

#include <algorithm>
#include <set>

#include "core/plugins/registry.hpp"

namespace hilum::plugins {
namespace {

std::string address(const Declaration& d) { return d.kind + "/" + d.name; }
std::string quoted(const Strings& words) { return "'" + join(words, "', '") + "'"; }

std::optional<Failure> names(const std::vector<const Declaration*>& registered,
                             const Strings& promised) {
  Strings found;
  for (const auto* d : registered) {
    if (!is_name(d->name))
      return Failure{Step::names,
                     "registers a " + d->kind + " as '" + d->name + "', which is no name",
                     "Letters, digits, _ and - are allowed, a letter or _ first."};
    if (std::find(found.begin(), found.end(), address(*d)) != found.end())
      return Failure{Step::names, "registers '" + address(*d) + "' twice",
                     "Give each its own name."};
    found.push_back(address(*d));
  }
  if (found.empty())
    return Failure{Step::names, "registers no plugin", "HILUM_PLUGIN(r) { r.add<...>(...); }"};
  Strings wanted = promised;
  std::sort(found.begin(), found.end());
  std::sort(wanted.begin(), wanted.end());
  if (found == wanted) return std::nullopt;
  return Failure{
      Step::names,
      "registers " + quoted(found) + ", but its registry or file name promises " + quoted(wanted),
      "The name in r.add<...>(\"name\", ...), the file <kind>_<name>.so and the key in "
      "registry.toml must be the same."};
}

std::optional<Failure> option_names(const Declaration& d) {
  std::set<std::string> seen;
  for (const auto& p : d.parameters) {
    const std::string option = d.kind + " '" + d.name + "' declares the option '" + p.name + "'";
    const auto& reserved = reserved_options();
    if (std::find(reserved.begin(), reserved.end(), p.name) != reserved.end())
      return Failure{Step::options, option + ", which is reserved",
                     "These stand in the same table of an experiment: " + join(reserved, ", ") +
                         ". Rename the option."};
    if (!is_name(p.name))
      return Failure{Step::options, option + ", which is no name",
                     "Letters, digits, _ and - are allowed, a letter or _ first."};
    if (!seen.insert(p.name).second)
      return Failure{Step::options, option + " twice", "Give each option its own name."};
  }
  return std::nullopt;
}

std::optional<Failure> defaults(const Declaration& d) {
  Values values;
  for (const auto& p : d.parameters) values[p.name] = {p.fallback, ""};
  Problems problems;
  (void)check(d.parameters, values, d.kind + " '" + d.name + "'", problems);
  if (problems.empty()) return std::nullopt;
  std::string text = problems.front().message;
  while (text.ends_with('.')) text.pop_back();
  return Failure{Step::options, "has a default outside its own limits: " + text,
                 "Change the default or the limits in schema()."};
}

}  // namespace

const Strings& reserved_options() {
  static const Strings names{"plugin", "inputs", "name",  "connect",     "between", "only",
                             "weight", "reads",  "guide", "init",        "freeze",  "share",
                             "on",     "fusion", "head",  "regularizer", "input"};
  return names;
}

std::optional<Failure> inspect(const std::vector<const Declaration*>& registered,
                               const Strings& promised) {
  if (auto failure = names(registered, promised)) return failure;
  for (const auto* d : registered) {
    if (auto failure = option_names(*d)) return failure;
    if (auto failure = defaults(*d)) return failure;
  }
  return std::nullopt;
}

}  // namespace hilum::plugins
