// SPDX-License-Identifier: Apache-2.0
#include "core/plugins/child.hpp"

#include <algorithm>
#include <csignal>

#include "core/plugins/declaration_json.hpp"
#include "core/plugins/process.hpp"

namespace hilum::plugins {
namespace {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Reports = std::map<fs::path, Report>;

constexpr std::chrono::seconds kStart{60};  // LibTorch from a cold disk

// Follows the child's lines: {"ready"}, {"library", "step"}, {"library", "plugins" or "failure"},
// {"exit"}.
struct Follower {
  Reports& reports;
  bool ready = false;
  std::optional<int> exit = std::nullopt;
  Step step = Step::loads;

  void operator()(const std::string& line) {
    try {
      take(Json::parse(line));
    } catch (const Json::exception&) {
      // Not a line of ours: a library that found its way to this stream. It says nothing.
    }
  }

  void take(const Json& json) {
    if (json.contains("ready")) ready = true;
    if (json.contains("exit")) exit = json["exit"].get<int>();
    if (json.contains("step")) step = json["step"] == "registers" ? Step::registers : Step::loads;
    if (!json.contains("library")) return;
    Report report;
    if (json.contains("failure")) {
      report.failure = Failure{step, json["failure"], json.value("advice", "")};
      report.lasting = step != Step::loads;  // dlopen may miss a library that is installed later
    }
    if (json.contains("plugins"))
      for (const auto& item : json["plugins"]) report.plugins.push_back(declaration_from(item));
    if (json.contains("failure") || json.contains("plugins"))
      reports[json["library"].get<std::string>()] = std::move(report);
  }
};

Report diagnose(const Ended& ended, const Follower& follower, std::chrono::milliseconds patience) {
  const std::string when =
      follower.step == Step::loads ? " while being loaded" : " while registering";
  Failure failure{follower.step, how_it_ended(ended, follower.exit, patience, when),
                  follower.step == Step::loads ? kNoStatics : ""};
  // Killed from outside, as for want of memory.
  return {{}, std::move(failure), ended.timed_out || ended.signal != SIGKILL};
}

Report not_looked(const fs::path& engine, const Ended& ended) {
  std::string cause = "could not be looked at: " + engine.string();
  if (!ended.started)
    cause += " cannot be started: " + ended.errors;
  else if (ended.timed_out)
    cause += " did not get ready in " + std::to_string(kStart.count()) + " s";
  else
    cause += " ended at once" + last_words(ended.errors);
  return {{}, Failure{Step::loads, cause, "", false}, false};
}

}  // namespace

Reports examine(const std::vector<fs::path>& libraries, const fs::path& engine,
                std::chrono::milliseconds patience) {
  Reports reports;
  std::vector<fs::path> rest = libraries;
  while (!rest.empty()) {
    std::vector<std::string> command{engine.string(), "describe-plugin"};
    for (const auto& library : rest) command.push_back(library.string());
    Follower follower{reports};
    const Ended ended = run_process(command, kStart, [&](const std::string& line) {
      follower(line);
      return patience;
    });
    const fs::path first = rest.front();
    std::erase_if(rest, [&](const fs::path& library) { return reports.contains(library); });
    if (rest.empty()) break;
    if (!follower.ready) {
      for (const auto& library : rest) reports[library] = not_looked(engine, ended);
      break;
    }
    // An earlier library of the same child may have done the damage: a suspect is tried again, as
    // the first one. A hang is not, for it would cost the patience twice.
    if (rest.front() != first && !ended.timed_out) continue;
    reports[rest.front()] = diagnose(ended, follower, patience);
    rest.erase(rest.begin());
  }
  return reports;
}

}  // namespace hilum::plugins
