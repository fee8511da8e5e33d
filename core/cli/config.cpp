// SPDX-License-Identifier: Apache-2.0
// hilum config show|explain EXP [overrides] [KEY]: what an experiment file comes to, and why.
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/cli/commands.hpp"
#include "core/config/experiment.hpp"
#include "core/plugins/lookup.hpp"
#include "core/util/text.hpp"

namespace hilum::cli {
namespace {

struct Request {
  std::string file;
  Strings words;  // overrides, and for explain at most one key
  bool json = false;
};

auto lookup_for(const std::filesystem::path& file) {
  return [file](const config::PluginOptions& plugins) {
    return plugins::declaration_lookup(plugins, file);
  };
}

nlohmann::json as_json(const Data& data) {
  return std::visit([](const auto& value) { return nlohmann::json(value); }, data);
}

bool is_override(const std::string& word) {
  return word.find('=') != std::string::npos || word.starts_with('~');
}

void show(const Request& request) {
  const auto document = config::Document::load(request.file, request.words);
  const auto experiment = config::read(document, lookup_for(document.file));
  for (const auto& note : experiment.dropped) std::cerr << "note: " << note << "\n";
  if (!request.json) {
    std::cout << experiment.document.to_toml();
    return;
  }
  nlohmann::ordered_json out;
  out["file"] = document.file.string();
  out["hash"] = experiment.hash();
  for (const auto& [key, value] : experiment.parameters) out["parameters"][key] = as_json(value);
  std::cout << out.dump(2) << "\n";
}

// One key in full, several as a table.
void print(const std::vector<config::Explanation>& lines) {
  if (lines.size() == 1) {
    const auto& line = lines[0];
    std::cout << line.key << " = " << line.value << "\n  " << line.help
              << (line.unit.empty() ? "" : " (" + line.unit + ")") << "\n  type: " << line.type
              << (line.allowed.empty() ? "" : "\n  allowed: " + line.allowed)
              << "\n  set by: " << line.set_by << "\n";
    return;
  }
  std::vector<std::vector<std::string>> rows{
      {"key", "value", "type", "allowed", "unit", "set by", "help"}};
  for (const auto& line : lines)
    rows.push_back(
        {line.key, line.value, line.type, line.allowed, line.unit, line.set_by, line.help});
  std::cout << util::table(rows);
}

void print_json(const std::vector<config::Explanation>& lines) {
  auto out = nlohmann::ordered_json::array();
  for (const auto& line : lines)
    out.push_back({{"key", line.key},
                   {"value", line.value},
                   {"type", line.type},
                   {"allowed", line.allowed},
                   {"unit", line.unit},
                   {"help", line.help},
                   {"set_by", line.set_by}});
  std::cout << out.dump(2) << "\n";
}

void explain(const Request& request) {
  Strings overrides, keys;
  for (const auto& word : request.words) (is_override(word) ? overrides : keys).push_back(word);
  if (keys.size() > 1)
    throw Error("hilum config explain: one KEY at most, got '" + join(keys, "', '") +
                    "'. An override is written a.b=value",
                Fault::request);
  const auto document = config::Document::load(request.file, overrides);
  const auto lines =
      config::explain(document, lookup_for(document.file), keys.empty() ? "" : keys[0]);
  request.json ? print_json(lines) : print(lines);
}

}  // namespace

void add_config(CLI::App& app) {
  auto* command = app.add_subcommand("config", "What an experiment file comes to, and why");
  command->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, const char* words,
                       void (*work)(const Request&)) {
    auto request = std::make_shared<Request>();
    auto* sub = command->add_subcommand(name, help);
    sub->add_option("EXP", request->file, "Experiment file")->required();
    sub->add_option(words, request->words, "a.b=v changes, +a.b=v adds, ~a.b deletes a key");
    sub->add_flag("--json", request->json, "One JSON document on stdout");
    sub->callback([request, work] { work(*request); });
  };
  add("show", "The file with what it extends and the overrides merged in", "OVERRIDES", show);
  add("explain", "For each key, or those under KEY: value, type, range, unit, who set it",
      "OVERRIDES_OR_KEY", explain);
}

}  // namespace hilum::cli
