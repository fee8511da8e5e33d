// SPDX-License-Identifier: Apache-2.0
// hilum plugins check: each step from the file to a plugin, then how it behaves.
#include <fmt/format.h>

#include <iostream>

#include "core/cli/commands.hpp"
#include "core/cli/junit.hpp"
#include "core/cli/plugins_named.hpp"
#include "core/plugins/catalog.hpp"
#include "core/plugins/trial.hpp"
#include "core/util/files.hpp"
#include "hilum/error.hpp"
#include "hilum/names.hpp"

namespace hilum::cli {
namespace {
using plugins::Catalog;
using plugins::Description;
using plugins::Entry;
using plugins::Finding;
using Json = nlohmann::ordered_json;
using State = Finding::State;

struct Request {
  Strings targets, only;
  std::string junit;
  double patience = 10;  // seconds
  bool quick = false, battery = false, json = false;
  // Of all plugins, only the steps, unless more is asked for: it takes a second.
  bool tries() const { return !quick && (battery || !targets.empty() || !only.empty()); }
};

struct Checked {
  Description description;
  std::vector<Finding> findings;
  bool wrong() const {
    if (description.failure) return description.failure->looked;
    for (const auto& f : findings)
      if (f.state == State::wrong) return true;
    return false;
  }
};

// The steps up to the one that failed: "ok", "wrong", "unknown" or "not reached", with its text.
struct StepLine {
  std::string name, state, text, advice;
};
std::vector<StepLine> step_lines(const Description& d) {
  std::vector<StepLine> lines;
  bool reached = true;
  for (const auto step : plugins::all_steps()) {
    const bool here = d.failure && d.failure->step == step;
    const char* state = !reached            ? "not reached"
                        : !here             ? "ok"
                        : d.failure->looked ? "wrong"
                                            : "unknown";
    lines.push_back({plugins::to_text(step), state,
                     here ? d.failure->cause : plugins::meaning(step),
                     here ? d.failure->advice : ""});
    reached = reached && !here;
  }
  return lines;
}

const char* mark(const std::string& state) {
  return state == "ok"        ? "ok"
         : state == "wrong"   ? "WRONG"
         : state == "skipped" ? "skip"
         : state == "unknown" ? "?"
                              : "-";
}

void print(const Description& d) {
  std::cout << d.entry.address() << "  " << d.entry.library.string() << "\n";
  for (const auto& line : step_lines(d)) {
    std::cout << fmt::format("  {:<12}{:<7}{}\n", line.name, mark(line.state), line.text);
    if (!line.advice.empty()) std::cout << fmt::format("  {:<19}{}\n", "", line.advice);
  }
  std::cout.flush();
}

void print(const Finding& f) {
  std::cout << fmt::format("  {:<12}{:<7}{}", f.check, mark(to_text(f.state)), f.meaning);
  if (f.state == State::skipped) std::cout << ": " << f.found;
  std::cout << "\n";
  if (f.state == State::wrong)
    for (const auto& [what, text] : {std::pair{"tried", f.tried}, std::pair{"came out", f.found},
                                     std::pair{"look at", f.look}})
      if (!text.empty()) std::cout << fmt::format("  {:<19}{:<10}{}\n", "", what, text);
  std::cout.flush();
}

Json to_json(const Checked& checked) {
  Json json = cli::to_json(checked.description, false), steps = Json::object();
  for (const auto& line : step_lines(checked.description)) steps[line.name] = line.state;
  json["steps"] = steps;
  if (checked.findings.empty()) return json;
  json["checks"] = Json::array();
  for (const auto& f : checked.findings)
    json["checks"].push_back({{"name", f.check},
                              {"meaning", f.meaning},
                              {"state", to_text(f.state)},
                              {"tried", f.tried},
                              {"found", f.found},
                              {"look", f.look},
                              {"seconds", f.seconds}});
  return json;
}

junit::Suite to_junit(const Checked& checked) {
  junit::Suite suite{checked.description.entry.address(), {}};
  for (const auto& line : step_lines(checked.description)) {
    junit::Case one{.name = line.name};
    if (line.state == "wrong" || line.state == "unknown")
      one.failure = line.text, one.details = line.advice;
    if (line.state == "not reached") one.skipped = line.state;
    suite.cases.push_back(one);
  }
  for (const auto& f : checked.findings) {
    junit::Case one{.name = f.check, .seconds = f.seconds};
    if (f.state == State::wrong)
      one.failure = f.found, one.details = "tried: " + f.tried + "\nlook at: " + f.look;
    if (f.state == State::skipped) one.skipped = f.found;
    if (f.state == State::untried) one.skipped = "not tried: an earlier check ended the process";
    suite.cases.push_back(one);
  }
  return suite;
}

// Wrong plugins are the program's exit code, after all of them are printed.
void throw_if_wrong(const Catalog& catalog, const std::vector<Checked>& all) {
  Strings wrong, unknown, unread;
  for (const auto& c : all) {
    if (c.wrong()) wrong.push_back(c.description.entry.address());
    if (c.description.failure && !c.description.failure->looked)
      unknown.push_back(c.description.entry.address() + ": " + c.description.failure->cause);
  }
  for (const auto& place : catalog.places())
    if (!place.problem.empty() && std::filesystem::exists(place.path))
      unread.push_back(place.problem);
  if (!wrong.empty())
    throw Error(fmt::format("{} of {} plugins {} wrong: {}.", wrong.size(), all.size(),
                            wrong.size() == 1 ? "is" : "are", join(wrong, ", ")),
                Fault::plugin);
  if (!unread.empty()) throw Error(join(unread, "\n"), Fault::plugin);
  if (!unknown.empty()) throw Error("could not look at " + join(unknown, "; ") + ".", Fault::work);
}

std::vector<Finding> battery(const Request& request, const Entry& entry) {
  const plugins::TrialOptions options{
      .engine = plugins::Search::standard().engine,
      .patience = std::chrono::milliseconds(static_cast<int64_t>(request.patience * 1000)),
      .only = request.only};
  const auto told = [](const Finding& f) { print(f); };
  auto findings = request.json ? plugins::try_plugin(entry, options)
                               : plugins::try_plugin(entry, options, told);
  if (!request.json)
    for (const auto& f : findings)
      if (f.state == State::untried) print(f);
  return findings;
}

void check(const Request& request) {
  Catalog catalog;
  std::vector<Entry> entries = request.targets.empty() ? catalog.entries() : std::vector<Entry>();
  for (const auto& target : request.targets)
    for (const auto& entry : named_plugins(catalog, target)) entries.push_back(entry);
  tell_places(catalog);
  std::vector<Checked> all;
  for (auto& description : catalog.describe(entries, Catalog::Look::again)) {
    if (!request.json) print(description);
    Checked checked{std::move(description), {}};
    if (request.tries() && !checked.description.failure)
      checked.findings = battery(request, checked.description.entry);
    all.push_back(std::move(checked));
  }
  if (request.json) {
    Json json = Json::array();
    for (const auto& checked : all) json.push_back(to_json(checked));
    std::cout << plugins::dump(json, 2) << "\n";
  } else if (!request.tries() && !all.empty() && !request.quick) {
    std::cout << "How they behave: hilum plugins check KIND/NAME, or --battery for all.\n";
  }
  std::cout.flush();
  if (!request.junit.empty()) {
    std::vector<junit::Suite> suites;
    for (const auto& checked : all) suites.push_back(to_junit(checked));
    util::write_file(request.junit, junit::to_xml("hilum plugins check", suites));
  }
  throw_if_wrong(catalog, all);
}

}  // namespace

void add_plugins_check(CLI::App& group) {
  auto request = std::make_shared<Request>();
  auto* command = group.add_subcommand(
      "check", "Each step from the file to a plugin, then a battery of checks of how it behaves");
  command->add_option("PLUGIN", request->targets,
                      "KIND/NAME or a library's file; none: the steps of all plugins");
  auto* quick = command->add_flag("--quick", request->quick, "The steps alone, not the battery");
  command->add_flag("--battery", request->battery, "The battery, of all plugins too")
      ->excludes(quick);
  command->add_option("--only", request->only, "Only these checks of the battery");
  command
      ->add_option("--patience", request->patience,
                   "Seconds without progress after which a check hangs")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--junit", request->junit, "Write a JUnit file, for CI");
  command->add_flag("--json", request->json, "One JSON document on stdout");
  command->footer(
      "Plugins run in a child process: one that crashes, hangs or exits is a finding.\nExit code 4 "
      "if a plugin is wrong.");
  command->callback([request] { check(*request); });
}

}  // namespace hilum::cli
