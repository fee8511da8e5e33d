// SPDX-License-Identifier: Apache-2.0
// hilum plugins list|info|check: what there is, what it declares, what is wrong with it.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "core/cli/commands.hpp"
#include "core/plugins/catalog.hpp"
#include "core/plugins/declaration_json.hpp"
#include "core/plugins/registry.hpp"
#include "core/util/text.hpp"

namespace hilum::cli {
namespace {
using plugins::Catalog;
using plugins::Description;
using plugins::Entry;
using Json = nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

struct Request {
  std::string kind, plugin;
  Strings targets;
  bool json = false;
};

std::string quoted(const Strings& words) { return "'" + join(words, "', '") + "'"; }

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

void print_list(const std::vector<Description>& all) {
  const bool foreign = std::any_of(all.begin(), all.end(),
                                   [](const Description& d) { return !d.entry.own && !d.failure; });
  Rows good{{"kind", "name", "version", "summary"}};
  if (foreign) good.front().push_back("library");
  std::string broken;
  for (const auto& d : all) {
    if (d.failure) {
      broken += fmt::format("  {}: {}\n    {}\n", d.entry.address(), d.failure->cause,
                            d.entry.library.string());
      continue;
    }
    good.push_back({d.entry.kind, d.entry.name, d.declaration.version, d.declaration.summary});
    if (foreign) good.back().push_back(d.entry.own ? "" : d.entry.library.string());
  }
  if (good.size() > 1) std::cout << util::table(good);
  if (!broken.empty())
    std::cout << (good.size() > 1 ? "\n" : "") << "Broken (hilum plugins check says what to do):\n"
              << broken;
  if (all.empty()) std::cout << "There are no plugins.\n";
}

void list(const Request& request) {
  if (!request.kind.empty() && std::find(plugins::kinds().begin(), plugins::kinds().end(),
                                         request.kind) == plugins::kinds().end())
    throw Error("--kind: no kind of plugin is named '" + request.kind + "'." +
                    suggestion(request.kind, plugins::kinds()),
                Fault::request);
  Catalog catalog;
  std::vector<Entry> entries;
  for (const auto& entry : catalog.entries())
    if (request.kind.empty() || entry.kind == request.kind) entries.push_back(entry);
  const auto all = catalog.describe(entries);
  tell_places(catalog);
  if (!request.json) return print_list(all);
  Json json = Json::array();
  for (const auto& d : all) json.push_back(to_json(d, false));
  std::cout << plugins::dump(json, 2) << "\n";
}

// KIND/NAME, or a name alone where one kind has it. Several entries where a name is in two places.
std::vector<Entry> resolve(const Catalog& catalog, const std::string& text) {
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

void print_info(const Description& d) {
  const auto& declaration = d.declaration;
  std::cout << fmt::format("{} {}\n{}\n\n", d.entry.address(), declaration.version,
                           declaration.summary);
  if (!declaration.source.empty()) std::cout << "source:  " << declaration.source << "\n";
  std::cout << "library: " << d.entry.library.string() << "\nsha256:  " << d.sha256 << "\n\n";
  Rows rows{{"option", "type", "default", "allowed", "unit", "help"}};
  for (const auto& p : declaration.parameters)
    rows.push_back(
        {p.name, type_name(p.fallback), to_text(p.fallback), allowed(p), p.unit, p.help});
  std::cout << (rows.size() > 1 ? util::table(rows) : "It has no options.\n");
}

void info(const Request& request) {
  Catalog catalog;
  const Entry first = resolve(catalog, request.plugin).front();
  const auto d = catalog.describe(catalog.find(first.kind, first.name));
  if (d.failure) throw plugins::error(d.entry, *d.failure);
  request.json ? void(std::cout << plugins::dump(to_json(d, true), 2) << "\n") : print_info(d);
}

void print_check(const Description& d) {
  std::cout << d.entry.address() << "  " << d.entry.library.string() << "\n";
  bool reached = true;
  for (const auto step : plugins::all_steps()) {
    const bool here = d.failure && d.failure->step == step;
    const char* state = !reached ? "-" : !here ? "ok" : d.failure->looked ? "WRONG" : "?";
    const std::string text = here ? d.failure->cause : plugins::meaning(step);
    std::cout << fmt::format("  {:<10} {:<6} {}\n", plugins::to_text(step), state, text);
    if (here && !d.failure->advice.empty())
      std::cout << fmt::format("  {:<17} {}\n", "", d.failure->advice);
    reached = reached && !here;
  }
}

Json check_json(const Description& d) {
  Json json = to_json(d, false), steps = Json::object();
  bool reached = true;
  for (const auto step : plugins::all_steps()) {
    const bool here = d.failure && d.failure->step == step;
    steps[plugins::to_text(step)] = !reached ? "not reached" : here ? "wrong" : "ok";
    reached = reached && !here;
  }
  json["steps"] = steps;
  return json;
}

// Wrong plugins are the program's exit code, after all of them are printed.
void throw_if_wrong(const Catalog& catalog, const std::vector<Description>& all) {
  Strings wrong, unknown, unread;
  for (const auto& d : all)
    if (d.failure) (d.failure->looked ? wrong : unknown).push_back(d.entry.address());
  for (const auto& place : catalog.places())
    if (!place.problem.empty() && std::filesystem::exists(place.path))
      unread.push_back(place.problem);
  if (!wrong.empty())
    throw Error(fmt::format("{} of {} plugins {} wrong: {}.", wrong.size(), all.size(),
                            wrong.size() == 1 ? "is" : "are", join(wrong, ", ")),
                Fault::plugin);
  if (!unread.empty()) throw Error(join(unread, "\n"), Fault::plugin);
  if (!unknown.empty())
    throw Error(
        "could not look at " + join(unknown, ", ") + ": " + all.front().failure->cause + ".",
        Fault::work);
}

void check(const Request& request) {
  Catalog catalog;
  std::vector<Entry> entries = request.targets.empty() ? catalog.entries() : std::vector<Entry>();
  for (const auto& target : request.targets)
    if (target.ends_with(".so"))
      entries.push_back(Catalog::from_file(target));
    else
      for (const auto& entry : resolve(catalog, target)) entries.push_back(entry);
  const auto all = catalog.describe(entries, Catalog::Look::again);
  tell_places(catalog);
  Json json = Json::array();
  for (const auto& d : all) request.json ? json.push_back(check_json(d)) : print_check(d);
  if (request.json) std::cout << plugins::dump(json, 2) << "\n";
  std::cout.flush();
  throw_if_wrong(catalog, all);
}

}  // namespace

void add_plugins(CLI::App& app) {
  auto* group =
      app.add_subcommand("plugins", "What plugins there are, and what is wrong with them");
  group->require_subcommand(1);
  group->footer(
      "Plugins are looked for in [plugins] registries of an experiment, in the folders of "
      "HILUM_PLUGIN_PATH, and beside the program.");
  auto request = std::make_shared<Request>();

  auto* listing =
      group->add_subcommand("list", "Kind, name, version and summary; broken ones last");
  listing->add_option("--kind", request->kind, "Only these: backbone, fusion, regularizer or head");
  listing->add_flag("--json", request->json, "One JSON document on stdout");
  listing->callback([request] { list(*request); });

  auto* details = group->add_subcommand("info", "A plugin's options: type, default, limits, help");
  details
      ->add_option("KIND/NAME", request->plugin, "The plugin; a name alone where one kind has it")
      ->required();
  details->add_flag("--json", request->json, "One JSON document on stdout");
  details->callback([request] { info(*request); });

  auto* checking =
      group->add_subcommand("check", "Each step from the file to a plugin, tried anew");
  checking->add_option("PLUGIN", request->targets, "KIND/NAME or a library's file; default: all");
  checking->add_flag("--json", request->json, "One JSON document on stdout");
  checking->footer("Exit code 4 if a plugin is wrong.");
  checking->callback([request] { check(*request); });
}

}  // namespace hilum::cli
