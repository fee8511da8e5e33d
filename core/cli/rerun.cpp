// SPDX-License-Identifier: Apache-2.0
// hilum runs rerun: a run's work once more, after a look at what changed since.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/cli/commands.hpp"
#include "core/cli/program.hpp"
#include "core/cli/tags.hpp"
#include "core/runs/again/compare_figures.hpp"
#include "core/runs/again/drift.hpp"
#include "core/runs/steps/compare_steps.hpp"
#include "core/train/on_demand.hpp"
#include "core/train/record.hpp"
#include "core/train/trainer.hpp"
#include "core/util/text.hpp"

namespace hilum::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string run, fold;
  Strings overrides, tags;
  bool anyway = false, dry = false, json = false;
};

// What the run would be made with now.
struct Present {
  train::Setup setup;
  std::vector<runs::Drift> drift;
  std::vector<runs::ChangedParam> changed;
};

void require_a_training(const runs::Details& then) {
  for (const auto& param : then.params)
    if (param.key == "evaluation.runs")
      throw Error("run " + then.id + " is an evaluation of " + param.value +
                      " and trained nothing. `hilum eval` repeats it.",
                  Fault::request);
}

config::Document load(const runs::Details& then, const Options& options) {
  const auto file = then.folder / "config.toml";
  if (!std::filesystem::exists(file))
    throw Error(file.string() + ": run " + then.id +
                    " cannot be repeated: its configuration is gone from its folder. Its "
                    "parameters are in the store: hilum runs show " +
                    then.short_id + ".",
                Fault::request);
  Strings overrides = options.overrides;
  if (!options.fold.empty()) overrides.push_back("data.fold=" + options.fold);
  return config::Document::load(file, overrides);
}

// "backbone/unet" of each part, as the file names it: nothing is loaded.
Strings plugins_in(const config::Document& document) {
  Strings names;
  const auto add = [&](const std::string& kind, const config::Node& part) {
    const auto* plugin = part.find("plugin");
    if (!plugin || !plugin->data) return;
    if (const auto* name = std::get_if<std::string>(&*plugin->data))
      names.push_back(kind + "/" + *name);
  };
  for (const char* kind : {"backbone", "fusion", "head"}) {
    const auto* table = document.root.find(kind);
    for (const auto& part : table ? table->children : std::vector<config::Node>{}) {
      add(kind, part);
      if (const auto* regularizer = part.find("regularizer")) add("regularizer", *regularizer);
    }
  }
  return names;
}

std::string listed(const std::vector<runs::Drift>& drift) {
  std::string text;
  for (const auto& d : drift) text += "\n  " + runs::to_text(d);
  return text;
}

// Plugins by their files first: one that changed may not understand its options any more, and then
// the cause is told beside what came of it.
Present look(const runs::Details& then, const config::Document& document, bool anyway) {
  Present present;
  present.drift = runs::plugin_drift(then, runs::plugins_now(then), plugins_in(document));
  try {
    present.setup = train::prepare(document);
    const auto now = train::describe(present.setup);
    const auto data = train::load_data(present.setup.experiment, *present.setup.model);
    present.changed = runs::changed_params(then, now);
    for (auto& d : runs::other_drift(then, now, data.set.fingerprint))
      present.drift.push_back(std::move(d));
  } catch (const Error& error) {
    if (present.drift.empty()) throw;
    throw Error(fmt::format("run {} cannot be repeated as it was:{}\n{}", then.id,
                            listed(present.drift), error.what()),
                anyway ? error.fault : Fault::request);
  }
  std::stable_sort(present.drift.begin(), present.drift.end(),
                   [](const auto& a, const auto& b) { return a.decides > b.decides; });
  return present;
}

std::vector<runs::Drift> deciding(const std::vector<runs::Drift>& drift) {
  std::vector<runs::Drift> found;
  std::copy_if(drift.begin(), drift.end(), std::back_inserter(found),
               [](const auto& d) { return d.decides; });
  return found;
}

void judge(const runs::Details& then, const Present& present, const Options& options,
           train::Progress& out) {
  if (!deciding(present.drift).empty() && !options.anyway)
    throw Error(fmt::format("run {} cannot be repeated as it was:{}\nGive --anyway to train with "
                            "what is there now; the new run's note will say so.",
                            then.id, listed(present.drift)),
                Fault::request);
  for (const auto& [key, was, now] : present.changed)
    out.line(fmt::format("note: {} was {}, is {}", key, was.value_or("not set"),
                         now.value_or("not set")));
  for (const auto& d : present.drift) out.line("warning: " + runs::to_text(d));
}

// "repeats run 01J... with another plugin fusion/gated (was library ..., is library ...)"
std::string note_on(const runs::Details& then, const std::vector<runs::Drift>& drift) {
  Strings told;
  for (const auto& d : drift) told.push_back(d.what + " was " + d.was + ", is " + d.now);
  return "repeats run " + then.id + " although " + join(told, "; ");
}

Json to_json(const std::vector<runs::Drift>& drift) {
  Json list = Json::array();
  for (const auto& d : drift)
    list.push_back({{"what", d.what}, {"was", d.was}, {"now", d.now}, {"decides", d.decides}});
  return list;
}

void print(const runs::Details& then, const runs::FigureComparison& c) {
  const auto shown = [](const std::optional<double>& value) {
    return value ? fmt::format("{:.6g}", *value) : std::string();
  };
  std::vector<std::vector<std::string>> rows{{"test", "then", "now", "difference"}};
  size_t unequal = 0;
  for (const auto& [name, first, second, equal] : c.metrics) {
    unequal += !equal;
    const auto difference = equal             ? std::string("none")
                            : first && second ? fmt::format("{:+.2g}", *second - *first)
                                              : std::string("not in both");
    rows.push_back({name, shown(first), shown(second), difference});
  }
  fmt::print("\n{}\n", util::table(rows));
  if (c.equal())
    fmt::print(
        "All {} test figures and {} figures of cases are equal to those of run {}, bit for bit.\n",
        c.metrics.size(), c.cases, then.id);
  else
    fmt::print("{} of {} test figures and {} of {} figures of cases differ from those of run {}.\n",
               unequal, c.metrics.size(), c.unequal_cases, c.cases, then.id);
}

train::RunResult train_again(const runs::Details& then, Present& present, config::Document document,
                             const Options& options, train::Progress& out) {
  auto store = runs::Store::existing();
  auto& setup = present.setup;
  if (train::starts_on_demand(document)) {  // an override said so: a record names runs only
    try {
      setup = train::prepare(train::resolve_init(std::move(document), store, out));
    } catch (const train::Interrupted& stopped) {
      return stopped.result;
    }
  }
  setup.tags = options.tags;
  setup.tags.push_back("rerun:" + then.id);
  if (const auto drift = deciding(present.drift); !drift.empty()) {
    auto& note = setup.experiment.experiment.note;
    note += (note.empty() ? "" : "; ") + note_on(then, drift);
  }
  return train::run(std::move(setup), store, out);
}

// None where one of them has no record of its steps that can be read.
std::optional<runs::StepsComparison> steps_of(const runs::Details& then,
                                              const train::RunResult& result) {
  try {
    return runs::compare_steps_in(then.folder, result.folder);
  } catch (const Error&) {
    return {};
  }
}

void compare(const runs::Details& then, const train::RunResult& result, const Options& options,
             Json& json) {
  const auto figures = runs::compare_figures(runs::Reader(), then.id, result.id, "test");
  const bool comparable = std::any_of(figures.metrics.begin(), figures.metrics.end(),
                                      [](const auto& m) { return m.first.has_value(); });
  if (comparable) json["equal"] = figures.equal();
  const auto steps = steps_of(then, result);
  if (steps) json["steps_equal"] = steps->equal();
  if (options.json) return;
  if (comparable)
    print(then, figures);
  else
    fmt::print("\nrun {} has no test figures ({}): nothing to compare with\n", then.id,
               then.status);
  if (steps) fmt::print("{}\n", runs::to_text(*steps));
  fmt::print("run {0} is done\n  hilum runs show {0}\n", result.id);
}

void rerun(const Options& options) {
  check_tags(options.tags);
  train::Progress out(options.json ? stderr : stdout);
  const auto then = runs::Reader().show(options.run);
  require_a_training(then);
  const auto document = load(then, options);
  auto present = look(then, document, options.anyway);
  judge(then, present, options, out);
  Json json{{"repeats", then.id}, {"drift", to_json(present.drift)}};
  if (options.dry) {
    out.line(fmt::format("run {} can be trained again; nothing was recorded", then.id));
  } else {
    const auto result = train_again(then, present, document, options, out);
    json["id"] = result.id, json["status"] = result.status, json["metrics"] = result.metrics;
    json["equal"] = nullptr, json["steps_equal"] = nullptr;
    if (result.status == "done") compare(then, result, options, json);
  }
  if (options.json) fmt::print("{}\n", json.dump(2));
  if (json.value("status", "") == "interrupted") throw Exit{130};
}

}  // namespace

void add_rerun(CLI::App& runs) {
  auto options = std::make_shared<Options>();
  auto* command = runs.add_subcommand(kRerun.name, kRerun.help);
  command->add_option("RUN", options->run, "Id, the start of one, name (its newest) or @last")
      ->required();
  command->add_option("overrides", options->overrides,
                      "a.b=v sets a key, +a.b=v adds one, ~a.b deletes one");
  command->add_option("--fold", options->fold, "Test on this fold instead of the run's");
  command
      ->add_option("--tag", options->tags,
                   "A tag of the new run, beside rerun:ID; may be given again")
      ->allow_extra_args(false);
  command->add_flag("--anyway", options->anyway,
                    "Train although a plugin or the data changed; the new run's note says so");
  command->add_flag("--dry-run", options->dry, "Say what changed since, and train nothing");
  command->add_flag("--json", options->json, "One JSON document on stdout");
  command->footer(
      "Refused with exit code 2 where a plugin's library or the data changed since; other code, "
      "LibTorch or machine are warnings. At the end the test figures stand beside those of then.");
  command->callback([options] { rerun(*options); });
}

}  // namespace hilum::cli
