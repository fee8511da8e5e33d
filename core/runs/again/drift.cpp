// SPDX-License-Identifier: Apache-2.0
#include "core/runs/again/drift.hpp"

#include <algorithm>

#include "core/config/apart.hpp"
#include "core/runs/param.hpp"
#include "hilum/names.hpp"

namespace hilum::runs {
namespace {

constexpr const char* kBits = "Figures may differ in their last digits or more.";

// What the config's hash leaves out, and what a run finds out itself.
bool is_apart(const std::string& key) {
  return key.starts_with("resolved.") || config::changes_no_result(key);
}

std::string value_of(const std::vector<NewRun::Param>& params, const std::string& key) {
  for (const auto& param : params)
    if (param.key == key) return stored_value(param);
  return "";
}

std::string library(const std::string& sha256, const std::string& more) {
  return "library " + sha256.substr(0, 12) + (more.empty() ? "" : " (" + more + ")");
}

std::string code(const std::string& git, bool dirty) {
  if (git.empty()) return "no git checkout";
  return git.substr(0, 12) + (dirty ? " with uncommitted changes" : "");
}

std::string advice_on_code(const Details& run) {
  if (run.dirty) return "What was not committed then cannot be had back.";
  return run.git.empty() ? kBits : "To have it back: git checkout " + run.git.substr(0, 12) + ".";
}

std::string shown(const std::string& value) { return value.empty() ? "unknown" : value; }

Drift of(const PluginUse& then, const PluginNow& now, const std::string& commit) {
  Drift drift{"plugin " + then.kind + "/" + then.name,
              library(then.sha256, "version " + then.version), "", "", true};
  switch (now.state) {
    case PluginNow::State::missing:
      drift.now = "missing: " + now.why;
      drift.advice = "Build it, or name its folder in HILUM_PLUGIN_PATH.";
      break;
    case PluginNow::State::several:
      drift.now = "in two places: " + now.why;
      break;
    default:
      drift.now = library(now.sha256, now.library.string());
      drift.advice = commit.empty() ? "Put the library of then back."
                                    : "Put the library of then back, or build it again from the "
                                      "code of then (the run's checkout was at " +
                                          commit.substr(0, 12) + ").";
  }
  return drift;
}

// True where the data were chosen anew, folds and validation aside: they choose sides within a set.
bool other_data_asked(const Details& run, const NewRun& now) {
  const auto changed = changed_params(run, now);
  return std::any_of(changed.begin(), changed.end(), [](const ChangedParam& p) {
    return p.key.starts_with("data.") && p.key != "data.fold" && p.key != "data.val";
  });
}

}  // namespace

std::vector<ChangedParam> changed_params(std::map<std::string, std::string> before,
                                         const std::vector<NewRun::Param>& params) {
  std::vector<ChangedParam> changed;
  for (const auto& param : params) {
    if (is_apart(param.key)) continue;
    const std::string now = stored_value(param);
    const auto was = before.find(param.key);
    if (was == before.end())
      changed.push_back({param.key, {}, now});
    else if (was->second != now)
      changed.push_back({param.key, was->second, now});
    if (was != before.end()) before.erase(was);
  }
  for (const auto& [key, value] : before)
    if (!is_apart(key)) changed.push_back({key, value, {}});
  return changed;
}

std::vector<ChangedParam> changed_params(const Details& run, const NewRun& now) {
  std::map<std::string, std::string> before;
  for (const auto& param : run.params) before[param.key] = param.value;
  return changed_params(std::move(before), now.params);
}

std::string to_text(const Drift& drift) {
  return drift.what + ": was " + drift.was + ", is " + drift.now +
         (drift.now.ends_with('.') ? "" : ".") + (drift.advice.empty() ? "" : " " + drift.advice);
}

std::vector<Drift> plugin_drift(const Details& run, const std::vector<PluginNow>& now,
                                const Strings& wanted) {
  std::vector<Drift> all;
  for (size_t i = 0; i < run.plugins.size(); ++i) {
    const auto& then = run.plugins[i];
    const bool used =
        std::find(wanted.begin(), wanted.end(), then.kind + "/" + then.name) != wanted.end();
    if (used && now[i].state != PluginNow::State::same) all.push_back(of(then, now[i], run.git));
  }
  return all;
}

std::vector<Drift> other_drift(const Details& run, const NewRun& now,
                               const std::string& fingerprint) {
  std::vector<Drift> all;
  const auto compare = [&](const char* what, const std::string& was, const std::string& is,
                           const std::string& advice) {
    if (was != is) all.push_back({what, shown(was), shown(is), advice, false});
  };
  const std::string data = value_of(run.params, "resolved.fingerprint");
  if (!data.empty() && data != fingerprint && !other_data_asked(run, now))
    all.push_back(
        {"data", "fingerprint " + data.substr(0, 12), "fingerprint " + fingerprint.substr(0, 12),
         "Put the files of then back: an image, a mask, the list or the folds changed.", true});
  const std::string then = code(run.git, run.dirty), present = code(now.git, now.dirty);
  if (then != present || run.dirty)  // two states of uncommitted changes may be two codes
    all.push_back({"code", then, present, advice_on_code(run)});
  compare("LibTorch", run.torch, now.torch, kBits);
  compare("host", run.host, now.host, kBits);
  compare("device", run.device, now.device, kBits);
  compare("precision", run.precision, now.precision, kBits);
  compare("threads", value_of(run.params, "resolved.threads"),
          value_of(now.params, "resolved.threads"), kBits);
  return all;
}

}  // namespace hilum::runs
