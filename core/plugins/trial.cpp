// SPDX-License-Identifier: Apache-2.0
#include "core/plugins/trial.hpp"

#include <algorithm>
#include <optional>

#include "core/plugins/declaration_json.hpp"
#include "core/plugins/process.hpp"

namespace hilum::plugins {
namespace {
using Json = nlohmann::ordered_json;
using State = Finding::State;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kStart{60};  // LibTorch from a cold disk
constexpr int kDeaths = 3;                  // more of them teach nothing new

State state_from(const std::string& text) {
  return text == "ok" ? State::ok : text == "skipped" ? State::skipped : State::wrong;
}

// Follows the child's lines: {"checks": [{"name", "meaning"}]}, then of each check {"begin"},
// {"trying"} and {"state", "tried", "found", "look", "seconds"}; {"refused"} before the first;
// {"exit"}.
struct Follower {
  std::vector<Finding>& findings;
  const std::function<void(const Finding&)>& told;
  Finding* at = nullptr;  // the check that is running
  std::string trying = {}, refused = {};
  std::optional<int> exit = std::nullopt;
  Clock::time_point began = {};

  void operator()(const std::string& line) {
    try {
      take(Json::parse(line));
    } catch (const Json::exception&) {
      // Not a line of ours: a library that found its way to this stream. It says nothing.
    }
  }
  void take(const Json& json) {
    if (json.contains("checks") && findings.empty())
      for (const auto& c : json["checks"]) {
        Finding finding;
        finding.check = c["name"], finding.meaning = c["meaning"];
        findings.push_back(finding);
      }
    if (json.contains("refused")) refused = json["refused"];
    if (json.contains("exit")) exit = json["exit"].get<int>();
    if (json.contains("begin")) {
      at = nullptr, trying.clear(), began = Clock::now();
      for (auto& f : findings)
        if (f.check == json["begin"]) at = &f;
    }
    if (json.contains("trying")) trying = json["trying"];
    if (json.contains("state") && at) {
      at->tried = json["tried"], at->found = json["found"], at->look = json["look"];
      end(state_from(json["state"]));
    }
  }
  void end(State state) {
    at->state = state;
    at->seconds = std::chrono::duration<double>(Clock::now() - began).count();
    if (told) told(*at);
    at = nullptr;
  }
};

Strings left(const std::vector<Finding>& findings) {
  Strings names;
  for (const auto& f : findings)
    if (f.state == State::untried) names.push_back(f.check);
  return names;
}

void died(Follower& follower, const Ended& ended, std::chrono::milliseconds patience) {
  follower.at->tried = follower.trying;
  follower.at->found = how_it_ended(ended, follower.exit, patience, "");
  follower.at->look =
      ended.timed_out
          ? "A loop without an end, a lock that is never given back, or work that needs more time: "
            "--patience SECONDS waits longer."
          : "Build it with -g and run the same under a debugger: gdb --args hilum-engine "
            "try-plugin LIBRARY KIND/NAME " +
                follower.at->check + ".";
  follower.end(State::wrong);
}

}  // namespace

std::string to_text(Finding::State state) {
  static constexpr const char* kNames[] = {"ok", "wrong", "skipped", "untried"};
  return kNames[static_cast<size_t>(state)];
}

std::vector<Finding> try_plugin(const Entry& entry, const TrialOptions& options,
                                const std::function<void(const Finding&)>& told) {
  std::vector<Finding> findings;
  Strings names = options.only;
  size_t open = SIZE_MAX;  // checks that were left before this child
  for (int deaths = 0; deaths < kDeaths;) {
    Follower follower{findings, told};
    std::vector<std::string> command{options.engine.string(), "try-plugin", entry.library.string(),
                                     entry.address()};
    command.insert(command.end(), names.begin(), names.end());
    const Ended ended = run_process(command, kStart, [&](const std::string& line) {
      follower(line);
      return options.patience;
    });
    if (!follower.refused.empty()) throw Error(follower.refused, Fault::request);
    if (findings.empty())
      throw Error(entry.address() + ": could not be tried: " + options.engine.string() +
                      (ended.started ? " ended at once" + last_words(ended.errors)
                                     : " cannot be started: " + ended.errors) +
                      ".",
                  Fault::work);
    if (follower.at) died(follower, ended, options.patience), ++deaths;
    names = left(findings);
    if (names.empty() || ended.timed_out || names.size() == open) break;
    open = names.size();
  }
  return findings;
}

}  // namespace hilum::plugins
