// SPDX-License-Identifier: Apache-2.0
// hilum plugins list|info: what there is and what it declares.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "core/cli/commands.hpp"
#include "core/cli/plugins_named.hpp"
#include "core/plugins/catalog.hpp"
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
  bool json = false;
};

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
  const Entry first = named_plugins(catalog, request.plugin).front();
  const auto d = catalog.describe(first);
  if (d.failure) throw plugins::error(d.entry, *d.failure);
  request.json ? void(std::cout << plugins::dump(to_json(d, true), 2) << "\n") : print_info(d);
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

  add_plugins_check(*group);
  add_plugins_new(*group);
}

}  // namespace hilum::cli
