// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/train/average.hpp"
#include "core/train/interrupt.hpp"
#include "core/train/monitor.hpp"
#include "core/train/optimizer.hpp"
#include "core/train/pace.hpp"
#include "core/train/schedule.hpp"
#include "core/train/step_record.hpp"
#include "core/train/sums.hpp"
#include "core/train/trainer.hpp"

namespace hilum::train {

/// A recorded run's training: from its last checkpoint, or the start, to its test.
class Training {
 public:
  Training(Setup& setup, runs::Store& store, runs::Run run, Progress& progress);
  RunResult go();

 private:
  void restore();
  void save_last();
  void save_best();
  void save(const std::filesystem::path& file, std::map<std::string, Tensor> model,
            std::map<std::string, Tensor> average);

  // False: somebody asked to stop, and last.pt holds where.
  bool fit();
  bool train_epoch();
  bool next(data::Loader& loader, data::Batch& batch);
  // Both: true once the batch completed a step.
  bool train_batch(const data::Batch& batch, int64_t batches);
  // A batch that the model has had, and of which something is still to be written down.
  struct Unread {
    Strings ids;
    model::Losses losses;
    int64_t step = 0;  // that it is part of
    std::optional<double> loss;
    runs::StepLine line;
    bool stepped = false, last = false;  // of the epoch
  };
  double finite(const Unread& batch) const;
  void read_loss();
  bool add_gradients(const Tensor& loss, int64_t batches);
  void step();
  [[noreturn]] void refuse(double loss, const Unread& batch) const;
  void show(bool stepped, int64_t batches);

  void finish_epoch();
  bool validate(std::vector<runs::Metric>& rows, std::string& text);
  RunResult stop();
  RunResult test();

  Setup& setup_;
  const config::TrainOptions& options_;
  runs::Store& store_;
  const runs::Run run_;
  Progress& progress_;
  Monitor monitor_;
  Interrupt interrupt_;
  DataSetup data_;
  std::unique_ptr<data::Sampler> train_set_, val_set_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<Average> average_;
  std::optional<Schedule> schedule_;
  std::optional<StepRecord> record_;
  std::optional<Unread> unread_;  // between batches only where losses are read late
  Pace pace_;
  // Where training stands. sums_: of the epoch under way by metric, and best, waited, stopped.
  Sums sums_;
  int64_t epoch_ = 0, batch_ = 0, step_ = 0;
  Pace::Clock::time_point beat_ = Pace::Clock::now();
};

}  // namespace hilum::train
