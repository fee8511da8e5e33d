// SPDX-License-Identifier: Apache-2.0
// Does what a table lacks, each run in a process of its own, and finds the rest in the store.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/report/table/cells.hpp"
#include "core/runs/again/match.hpp"
#include "core/tables/jobs.hpp"

namespace hilum::tables {

struct RunnerOptions {
  std::filesystem::path engine;                 // the program that trains
  int64_t parallel = 1;                         // trainings at once, each on its share of the cores
  bool look_only = false;                       // nothing is run
  bool fail_fast = false;                       // after a failure nothing more is begun
  bool same_program = false;                    // what another build of Hilum did is done again
  std::function<void(const std::string&)> say;  // a line for people
};
/// Where a job stands.
struct State {
  runs::Match match;
  std::string failed;  // why it failed just now; "" where it did not
  bool waits = false;  // for a job that it starts from
};

class Runner {
 public:
  Runner(const report::TableFile& table, std::vector<Job> jobs, RunnerOptions options);
  /// Returns false where somebody asked to stop: the same call goes on. A job that fails leaves its
  /// cells empty and does not stop the others. Throws Error for an experiment that is wrong, before
  /// anything is run.
  bool run();
  const std::vector<Job>& jobs() const { return jobs_; }
  const std::vector<State>& states() const { return states_; }
  /// The finished runs of each row of the table, evaluations of ensembles and flips among them.
  std::vector<std::vector<report::RowRun>> rows() const { return rows_; }
  /// "proposed, seed 0, fold 0: it failed: ..."
  Strings failures() const;

 private:
  runs::Work work_of(const Job& job, std::vector<runs::NewRun::Param>& params);
  std::string fingerprint(const config::Experiment& experiment);
  std::string program();
  config::Experiment data_of(const Job& job) const;
  void look(size_t i);
  bool ready(size_t i) const;
  std::vector<std::string> command(size_t i) const;
  void finished(size_t i, int code);
  bool train_all();
  void collect();
  void evaluate(size_t row);

  const report::TableFile& table_;
  std::vector<Job> jobs_;
  std::vector<State> states_;
  RunnerOptions options_;
  std::vector<std::vector<report::RowRun>> rows_;
  Strings failures_;
  std::map<std::string, std::string> fingerprints_;  // of data that were read, by their options
  std::pair<std::filesystem::file_time_type, std::string>
      program_;  // the engine's hash, and of when
};

}  // namespace hilum::tables
