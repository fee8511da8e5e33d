// SPDX-License-Identifier: Apache-2.0
#include "core/tables/runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "core/data/region.hpp"
#include "core/plugins/process.hpp"
#include "core/tables/children.hpp"
#include "core/tables/outside.hpp"
#include "core/train/record.hpp"
#include "core/train/session.hpp"
#include "core/util/sha256.hpp"

namespace hilum::tables {
namespace {

using Kind = runs::Match::Kind;

constexpr std::chrono::hours kPatience{24 * 7};  // an evaluation ends by itself

bool finished_well(const State& state) { return state.match.kind == Kind::done; }

// What the regions in memory depend on; two experiments that agree in it read the same data.
std::string data_key(const config::Experiment& experiment) {
  static const Strings kParts = {"data.source",  "data.consensus", "data.malignancy",
                                 "data.view",    "data.folds",     "data.split",
                                 "data.subset.", "data.phantom."};
  std::string key;
  for (const auto& [name, value] : experiment.parameters)
    if (std::ranges::any_of(kParts, [&](const auto& part) { return name.starts_with(part); }))
      key += name + "=" + to_text(value) + "\n";
  return key;
}

}  // namespace

Runner::Runner(const report::TableFile& table, std::vector<Job> jobs, RunnerOptions options)
    : table_(table), jobs_(std::move(jobs)), states_(jobs_.size()), options_(std::move(options)) {}

std::string Runner::fingerprint(const config::Experiment& experiment) {
  auto& known = fingerprints_[data_key(experiment)];
  if (known.empty()) known = data::read_regions(experiment.data).fingerprint;
  return known;
}

// It may be rebuilt while a sweep goes on: what is trained from then on has the new hash.
std::string Runner::program() {
  if (!options_.same_program) return "";
  const auto time = std::filesystem::last_write_time(options_.engine);
  if (program_.second.empty() || program_.first != time)
    program_ = {time, util::sha256_file(options_.engine)};
  return program_.second;
}

runs::Work Runner::work_of(const Job& job, std::vector<runs::NewRun::Param>& params) {
  Strings overrides = job.overrides;
  if (job.init) overrides.push_back("train.init=run:" + states_[*job.init].match.run);
  const auto [experiment, plugins] =
      train::read_experiment(config::Document::load(job.experiment, overrides));
  for (const auto& [key, value] : experiment.parameters)
    params.push_back({key, to_text(value), type_name(value)});
  return {experiment.hash(), train::plugin_uses(*plugins), fingerprint(experiment), program(),
          job.tag};
}

config::Experiment Runner::data_of(const Job& job) const {
  return train::read_experiment(config::Document::load(job.experiment, job.overrides)).first;
}

void Runner::look(size_t i) {
  const Job& job = jobs_[i];
  if (job.computed) {
    states_[i].match.kind = Kind::done;
    return;
  }
  states_[i].waits = job.init && !finished_well(states_[*job.init]);
  if (states_[i].waits) return;
  std::vector<runs::NewRun::Param> params;
  const auto work = work_of(job, params);
  states_[i].match = runs::find_work(runs::Reader(), work, params);
}

bool Runner::ready(size_t i) const {
  const auto& state = states_[i];
  return state.failed.empty() && !state.waits &&
         (state.match.kind == Kind::none || state.match.kind == Kind::resumable);
}

std::vector<std::string> Runner::command(size_t i) const {
  const Job& job = jobs_[i];
  if (states_[i].match.kind == Kind::resumable)
    return {options_.engine.string(), "resume", states_[i].match.run};
  std::vector<std::string> words{options_.engine.string(), "run", job.experiment.string()};
  words.insert(words.end(), job.overrides.begin(), job.overrides.end());
  if (job.init) words.push_back("train.init=run:" + states_[*job.init].match.run);
  words.insert(words.end(), {"--tag", job.tag});
  return words;
}

void Runner::finished(size_t i, int code) {
  look(i);
  if (finished_well(states_[i])) {
    for (size_t j = 0; j < jobs_.size(); ++j)
      if (jobs_[j].init == i) look(j);
    return;
  }
  if (code == 130) return;  // somebody stopped it: it can be resumed
  states_[i].failed = states_[i].match.why.empty() ? fmt::format("it ended with code {}", code)
                                                   : states_[i].match.why;
  failures_.push_back(jobs_[i].label + ": " + states_[i].failed);
  if (options_.say) options_.say(failures_.back());
}

bool Runner::train_all() {
  size_t wanted = 0, begun = 0;
  for (size_t i = 0; i < jobs_.size(); ++i) wanted += !finished_well(states_[i]);
  std::vector<bool> started(jobs_.size());
  const auto next = [&]() -> Next {
    if (options_.fail_fast && !failures_.empty()) return {};
    for (size_t i = 0; i < jobs_.size(); ++i) {
      if (started[i] || !ready(i)) continue;
      started[i] = true;
      const auto& match = states_[i].match;
      if (options_.say)
        options_.say(fmt::format(
            "[{}/{}] {}: {}", ++begun, wanted, jobs_[i].label,
            match.kind == Kind::resumable ? "going on with run " + match.run : match.why));
      return {i, command(i)};
    }
    return {};
  };
  return run_children(options_.parallel, next, [&](size_t i, int code) { finished(i, code); });
}

bool Runner::run() {
  for (size_t i = 0; i < jobs_.size(); ++i) look(i);
  if (!options_.look_only && !train_all()) return false;
  for (size_t i = 0; i < jobs_.size(); ++i) {
    const auto& state = states_[i];
    if (options_.look_only || !state.failed.empty()) continue;
    if (state.match.kind == Kind::running || state.waits)
      failures_.push_back(jobs_[i].label + ": " +
                          (state.waits ? "what it starts from is not there" : state.match.why));
  }
  collect();
  return true;
}

void Runner::collect() {
  rows_.assign(table_.rows.size(), {});
  for (size_t i = 0; i < jobs_.size(); ++i)
    if (jobs_[i].row && !jobs_[i].computed && finished_well(states_[i]))
      rows_[*jobs_[i].row].push_back(
          {states_[i].match.run, jobs_[i].set(), jobs_[i].seed, jobs_[i].fold});
  if (options_.look_only) return;
  for (size_t i = 0; i < jobs_.size(); ++i)
    if (jobs_[i].computed) {
      const auto& row = table_.rows[*jobs_[i].row];
      rows_[*jobs_[i].row].push_back({"log volume, fold " + std::to_string(jobs_[i].fold),
                                      jobs_[i].set(), jobs_[i].seed, jobs_[i].fold,
                                      by_log_volume(data_of(jobs_[i]), row.ruler)});
    }
  for (size_t r = 0; r < table_.rows.size(); ++r)
    if (const auto& file = table_.rows[r].cases; !file.empty())
      rows_[r].push_back({file, "folds", 0, 0, read_cases(file)});
  for (size_t r = 0; r < table_.rows.size(); ++r)
    if (table_.rows[r].ensemble || table_.rows[r].flips) evaluate(r);
}

// The folds' models of each seed together, or that of fold -1, on the regions marked test.
void Runner::evaluate(size_t r) {
  const auto& row = table_.rows[r];
  std::map<int64_t, Strings> members;  // by seed
  std::erase_if(rows_[r], [&](const report::RowRun& run) {
    if (run.set == (row.ensemble ? "folds" : "test")) members[run.seed].push_back(run.id);
    return run.set == "test";
  });
  for (const auto& [seed, ids] : members) {
    std::vector<std::string> words{options_.engine.string(), "eval"};
    words.insert(words.end(), ids.begin(), ids.end());
    words.insert(words.end(), {"--fold=-1", "--json"});
    if (row.flips) words.emplace_back("--flips");
    std::string answer;
    const auto ended = plugins::run_process(words, kPatience, [&](const std::string& line) {
      answer += line + "\n";
      return kPatience;
    });
    const auto json = nlohmann::json::parse(answer, nullptr, /*allow_exceptions=*/false);
    if (ended.code == 0 && ended.signal == 0 && json.is_object())
      rows_[r].push_back({json.at("id").get<std::string>(), "test", seed, -1});
    else
      failures_.push_back(
          fmt::format("{}, seed {}, evaluation: {}", row.label, seed, ended.errors));
  }
}

Strings Runner::failures() const { return failures_; }

}  // namespace hilum::tables
