// SPDX-License-Identifier: Apache-2.0
#include "core/author/battery/battery.hpp"

#include <c10/util/Exception.h>
#include <unistd.h>

#include <chrono>

#include "core/author/battery/checks.hpp"
#include "core/plugins/declaration_json.hpp"
#include "core/plugins/loader.hpp"
#include "core/plugins/speak.hpp"

namespace hilum::author {
namespace {
using plugins::Finding;
using State = Finding::State;

struct Check {
  const char *name, *meaning, *kind;  // kind "": every one
  void (*make)(Trial&);
};

constexpr Check kChecks[] = {
    {"help", "summary, version and a help text for each option", "", check_help},
    {"defaults", "its defaults keep its own limits and rules, and build it", "", check_defaults},
    {"limits", "each choice and each end of a range builds and computes", "", check_limits},
    {"effects", "each option has an effect", "", check_effects},
    {"shapes", "computes at tiny, even and odd sizes, 2D and 3D, batch 1 and 2", "", check_shapes},
    {"instances", "two instances share nothing", "", check_instances},
    {"size", "keeps the size of the feature that it replaces", "fusion", check_own_shapes},
    {"logits", "gives float32 logits of the same shape, at large logits too", "regularizer",
     check_own_shapes},
    {"guide", "works without a guide", "regularizer", check_guide},
    {"outputs", "gives the outputs that it declares", "head", check_own_shapes},
    {"unknown", "learns nothing from unknown targets", "head", check_unknown},
    {"gradients", "each parameter and input receives a finite gradient", "", check_gradients},
    {"registered", "whatever learns is registered", "", check_registered},
    {"differences", "gradients agree with finite differences in float64", "", check_differences},
    {"repeats", "the same seed gives the same bytes", "", check_repeats},
    {"eval", "eval mode is deterministic and changes nothing", "", check_eval},
    {"batch", "samples of a batch do not meet in eval mode", "", check_batch},
    {"threads", "two instances compute in two threads at once", "", check_threads},
    {"save_load", "its state comes back from a file", "", check_save_load},
    {"layout", "memory layouts do not matter", "", check_layout},
    {"autocast", "computes in bfloat16", "", check_autocast},
    {"trace", "a trace of it runs at another size", "", check_trace},
    {"leaks", "a second pass allocates nothing that stays", "", check_leaks},
    {"device", "moves to the GPU", "", check_device},
};

bool concerns(const Check& check, const std::string& kind) {
  return check.kind[0] == '\0' || kind == check.kind;
}

const Check& find(const std::string& name, const std::string& kind) {
  Strings known;
  for (const auto& check : kChecks) {
    if (!concerns(check, kind)) continue;
    if (name == check.name) return check;
    known.push_back(check.name);
  }
  throw Error("no check of a " + kind + " is named '" + name + "'." + suggestion(name, known),
              Fault::request);
}

constexpr const char* kThrows = "What it throws says where; a user would meet it in training.";

// Runs the check and turns whatever it throws into a finding.
void fill(const Check& check, Trial& trial, Finding& finding) {
  const auto wrong = [&](std::string found, std::string look) {
    finding.state = State::wrong;
    finding.found = std::move(found), finding.look = std::move(look);
  };
  try {
    check.make(trial);
    finding.state = State::ok;
  } catch (const Wrong& w) {
    wrong(w.found, w.look);
  } catch (const Skipped& s) {
    finding.state = State::skipped, finding.found = s.why;
  } catch (const c10::Error& e) {
    wrong(std::string("throws: ") + e.what_without_backtrace(), kThrows);
  } catch (const std::exception& e) {
    wrong(std::string("throws: ") + e.what(), kThrows);
  } catch (...) {
    wrong("throws something that is not a std::exception", kThrows);
  }
  finding.tried = trial.tried();
}

// A registry may promise several plugins of one library.
plugins::Entry entry_of(const plugins::Catalog& catalog, const std::string& library,
                        const std::string& address) {
  for (const auto& entry : catalog.entries())
    if (entry.address() == address && entry.library == library) return entry;
  return plugins::Catalog::from_file(library);
}

void say(const Finding& f) {
  plugins::say({{"state", plugins::to_text(f.state)},
                {"tried", f.tried},
                {"found", f.found},
                {"look", f.look}});
}

}  // namespace

std::vector<CheckName> battery(const std::string& kind) {
  std::vector<CheckName> all;
  for (const auto& check : kChecks)
    if (concerns(check, kind)) all.push_back({check.name, check.meaning});
  return all;
}

Finding perform(const std::string& name, const Plugin& plugin,
                const std::function<void(const std::string&)>& alive) {
  const Check& check = find(name, plugin.kind);
  Finding finding;
  finding.check = check.name, finding.meaning = check.meaning;
  Trial trial(
      plugin, alive ? alive : [](const std::string&) {});
  const auto start = std::chrono::steady_clock::now();
  fill(check, trial, finding);
  finding.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return finding;
}

void try_in_child(const std::string& library, const std::string& address, const Strings& names) {
  plugins::become_child();
  try {
    plugins::Loader loader;
    const Plugin& plugin = loader.load(entry_of(loader.catalog(), library, address));
    Strings chosen = names;
    if (chosen.empty())
      for (const auto& check : battery(plugin.kind)) chosen.push_back(check.name);
    auto checks = nlohmann::ordered_json::array();
    for (const auto& name : chosen) {
      const Check& check = find(name, plugin.kind);
      checks.push_back({{"name", check.name}, {"meaning", check.meaning}});
    }
    plugins::say({{"checks", checks}});
    for (const auto& name : chosen) {
      plugins::say({{"begin", name}});
      say(perform(name, plugin, [](const std::string& what) { plugins::say({{"trying", what}}); }));
    }
  } catch (const Error& error) {
    plugins::say({{"refused", error.what()}});
  }
  _exit(0);
}

}  // namespace hilum::author
