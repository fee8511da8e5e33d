// SPDX-License-Identifier: Apache-2.0
#include "core/train/trainer.hpp"

#include <fmt/core.h>
#include <torch/torch.h>
#include <unistd.h>

#include <chrono>
#include <cmath>

#include "core/model/weights.hpp"
#include "core/runs/queries.hpp"
#include "core/runs/store.hpp"
#include "core/train/checkpoint.hpp"
#include "core/train/evaluate.hpp"
#include "core/train/interrupt.hpp"
#include "core/train/monitor.hpp"
#include "core/train/optimizer.hpp"
#include "core/train/record.hpp"
#include "core/train/schedule.hpp"

namespace hilum::train {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class Training {
 public:
  Training(Setup& setup, runs::Store& store, std::string id, std::filesystem::path folder,
           Progress& progress)
      : setup_(setup),
        options_(setup.experiment.train),
        store_(store),
        id_(std::move(id)),
        folder_(std::move(folder)),
        progress_(progress),
        monitor_(options_, setup.model->heads().front().name) {}

  RunResult go() {
    progress_.log_to(folder_ / "log.txt");
    data_ = load_data(setup_.experiment, *setup_.model);
    for (const auto& text : data_.warnings) progress_.line("warning: " + text);
    record_data(store_, id_, data_);
    progress_.line(data_.split.text);
    const auto& data = setup_.experiment.data;
    const int64_t seed = setup_.experiment.experiment.seed;
    train_set_ = std::make_unique<data::Sampler>(data_.set, data_.split.train, data, seed, true);
    progress_.line("to train: " + train_set_->counts());
    show_targets(*setup_.model, data_);
    place(*setup_.model, setup_.compute);
    optimizer_ = std::make_unique<Optimizer>(*setup_.model, options_);
    restore();
    const bool finished = fit();
    if (!finished) return stop();
    return test();
  }

 private:
  void restore() {
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      if (entry.path().filename().string().find(".pt.part") != std::string::npos)
        std::filesystem::remove(entry);  // half written when a process was killed
    torch::manual_seed(static_cast<uint64_t>(setup_.experiment.experiment.seed));
    const auto last = folder_ / "last.pt";
    if (!std::filesystem::exists(last)) return;
    const auto c = Checkpoint::load(last);
    const auto report = model::load_state(*setup_.model, c.model);
    if (!report.missing.empty() || !report.mismatched.empty())
      throw Error(last.string() + ": does not fit the model that config.toml assembles: " +
                  join(report.missing, ", ") + join(report.mismatched, ", ") +
                  ". Were plugins rebuilt with other stages since?");
    optimizer_->load_state(c.optimizer);
    set_rng_states(c.rng, setup_.compute.device);
    sums_ = c.numbers, epoch_ = c.epoch, batch_ = c.batch, step_ = c.step;
    progress_.line(batch_ ? fmt::format("going on in epoch {} after {} batches", epoch_ + 1, batch_)
                          : fmt::format("going on after epoch {}", epoch_));
  }

  void save(const std::filesystem::path& file) const {
    Checkpoint c{.model = model::state(*setup_.model),
                 .optimizer = optimizer_->state(),
                 .rng = rng_states(setup_.compute.device),
                 .numbers = sums_,
                 .epoch = epoch_,
                 .batch = batch_,
                 .step = step_,
                 .run = id_};
    c.save(file);
  }

  // False: somebody asked to stop, and last.pt holds where.
  bool fit() {
    const int64_t per_epoch = train_set_->size() / options_.batch +
                              (!options_.drop_last && train_set_->size() % options_.batch);
    if (per_epoch == 0)
      throw Error(
          fmt::format("train.batch: value {}, but only {} samples to train with (train.drop_last)",
                      options_.batch, train_set_->size()),
          Fault::request);
    const Schedule schedule(options_, per_epoch);
    const bool validates = !data_.split.val.empty();
    if (validates)
      val_set_ = std::make_unique<data::Sampler>(data_.set, data_.split.val, setup_.experiment.data,
                                                 setup_.experiment.experiment.seed, false);
    start_ = Clock::now(), first_step_ = step_, last_step_ = per_epoch * options_.epochs;
    setup_.model->train();
    while (epoch_ < options_.epochs && !Monitor::stopped(sums_)) {
      if (!train_epoch(schedule)) return false;
      finish_epoch(validates);
    }
    return true;
  }

  bool train_epoch(const Schedule& schedule) {
    epoch_start_ = Clock::now(), epoch_samples_ = 0, data_wait_ = 0;
    data::Loader loader(*train_set_, epoch_, options_.batch, options_.drop_last,
                        setup_.experiment.data.workers, batch_);
    for (data::Batch batch; next(loader, batch);) {
      train_step(batch, schedule);
      if (seconds_since(beat_) > 20) store_.heartbeat(id_), beat_ = Clock::now();
      const double left = seconds_since(start_) / static_cast<double>(step_ - first_step_) *
                          static_cast<double>(last_step_ - step_);
      progress_.bar(fmt::format("epoch {}/{}", epoch_ + 1, options_.epochs), batch_,
                    loader.batches(), left);
      if (options_.log_every > 0 && step_ % options_.log_every == 0)
        progress_.line(fmt::format("epoch {}/{}  step {}/{}  loss {:.4f}", epoch_ + 1,
                                   options_.epochs, batch_, loader.batches(),
                                   sums_["train.loss"] / static_cast<double>(batch_)));
      if (interrupt_.asked()) return save(folder_ / "last.pt"), false;
    }
    return true;
  }

  bool next(data::Loader& loader, data::Batch& batch) {
    const auto asked = Clock::now();
    const bool more = loader.next(batch);
    data_wait_ += seconds_since(asked);
    return more;
  }

  void train_step(const data::Batch& batch, const Schedule& schedule) {
    const Named values = place(batch.values, setup_.compute);
    optimizer_->zero_grad();
    const auto losses =
        setup_.model->loss(setup_.model->forward(values, setup_.compute.bfloat16), values);
    const double loss = losses.total.item<double>();
    if (!std::isfinite(loss)) refuse(loss, losses, batch);
    losses.total.backward();
    if (options_.clip > 0) optimizer_->clip(options_.clip);
    lr_ = schedule.lr(step_);
    optimizer_->step(lr_, schedule.momentum(step_, optimizer_->base_momentum()));
    sums_["train.loss"] += loss;
    for (const auto& [name, term] : losses.terms) sums_["train." + name] += term.item<double>();
    for (const auto& [name, value] : setup_.model->take_logs()) add_log("train." + name, value);
    epoch_samples_ += static_cast<int64_t>(batch.samples.size());
    ++batch_, ++step_;
  }

  // A list, such as an energy per iteration, becomes one metric an element: name.0, name.1, ...
  void add_log(const std::string& name, const Tensor& value) {
    const Tensor numbers = value.to(torch::kCPU, torch::kDouble).flatten();
    for (int64_t i = 0; i < numbers.numel(); ++i)
      sums_[numbers.numel() == 1 ? name : name + "." + std::to_string(i)] +=
          numbers[i].item<double>();
  }

  [[noreturn]] void refuse(double loss, const model::Losses& losses,
                           const data::Batch& batch) const {
    std::string terms;
    for (const auto& [name, term] : losses.terms)
      terms += fmt::format("{}{} {}", terms.empty() ? "" : ", ", name, term.item<double>());
    throw Error(
        fmt::format("epoch {}, step {}: the loss is {} ({}). Cases of the batch: {}. A smaller "
                    "train.lr, train.clip or "
                    "train.precision=float32 may help; the last checkpoint is that of epoch {}",
                    epoch_ + 1, step_ + 1, loss, terms, join(batch.ids, "; "), epoch_));
  }

  // Logs, then keeps: what a checkpoint claims to have done is in the store.
  void finish_epoch(bool validates) {
    const double seconds = seconds_since(epoch_start_);
    std::vector<runs::Metric> rows;
    std::string text = fmt::format("epoch {}/{}", epoch_ + 1, options_.epochs);
    for (auto& [name, sum] : sums_)
      if (name.starts_with("train.")) {
        const double mean = sum / static_cast<double>(batch_);
        rows.push_back({step_, epoch_ + 1, "train", name.substr(6), mean});
        if (name == "train.loss") text += fmt::format("  loss {:.4f}", mean);
        sum = 0;
      }
    rows.push_back({step_, epoch_ + 1, "train", "lr", lr_});
    rows.push_back({step_, epoch_ + 1, "train", "samples_per_s",
                    static_cast<double>(epoch_samples_) / seconds});
    const double wait = data_wait_ / seconds;
    rows.push_back({step_, epoch_ + 1, "train", "data_wait", wait});
    ++epoch_, batch_ = 0;
    bool better = false;
    if (validates && (epoch_ % options_.validate_every == 0 || epoch_ == options_.epochs))
      better = validate(rows, text);
    store_.log(id_, rows);
    store_.heartbeat(id_), beat_ = Clock::now();
    if (better) save(folder_ / "best.pt");
    save(folder_ / "last.pt");
    const double left = seconds_since(start_) / static_cast<double>(step_ - first_step_) *
                        static_cast<double>(last_step_ - step_);
    progress_.line(fmt::format("{}  {:.1f} samples/s  data-wait {:.1f} %  {} left", text,
                               static_cast<double>(epoch_samples_) / seconds, 100 * wait,
                               duration(left)));
    if (Monitor::stopped(sums_))
      progress_.line(fmt::format("stopped early: {} has not improved for {} validations",
                                 monitor_.metric(), options_.patience));
  }

  bool validate(std::vector<runs::Metric>& rows, std::string& text) {
    const auto evaluation =
        evaluate(*setup_.model, *val_set_, setup_.compute, options_.batch,
                 [&](int64_t done, int64_t total) { progress_.bar("validation", done, total, 0); });
    for (const auto& [name, value] : evaluation.metrics)
      rows.push_back({step_, epoch_, "val", name, value});
    const bool better = monitor_.better(evaluation, sums_);
    text += fmt::format("  {} {:.4f}", monitor_.metric(), monitor_.value());
    return better;
  }

  RunResult stop() {
    store_.finish(id_, "interrupted");
    progress_.line(
        fmt::format("interrupted in epoch {}; go on with: hilum resume {}", epoch_ + 1, id_));
    return {id_, "interrupted", folder_, {}};
  }

  RunResult test() {
    std::filesystem::path weights = folder_ / "best.pt";
    if (!data_.split.val.empty() && std::filesystem::exists(weights))
      model::load_state(*setup_.model, Checkpoint::load(weights).model);
    else
      weights = folder_ / "last.pt";
    RunResult result{id_, "done", folder_, {}};
    if (!data_.split.test.empty()) {
      const data::Sampler test(data_.set, data_.split.test, setup_.experiment.data,
                               setup_.experiment.experiment.seed, false);
      const auto evaluation =
          evaluate(*setup_.model, test, setup_.compute, options_.batch,
                   [&](int64_t done, int64_t total) { progress_.bar("test", done, total, 0); });
      record_evaluation(store_, id_, "test", step_, epoch_, evaluation);
      for (const auto& text : evaluation.undefined) progress_.line("not defined: test." + text);
    }
    store_.add_artifact(id_, "weights", weights);
    store_.finish(id_, "done");
    result.metrics = store_.find(id_).metrics;
    return result;
  }

  Setup& setup_;
  const config::TrainOptions& options_;
  runs::Store& store_;
  std::string id_;
  std::filesystem::path folder_;
  Progress& progress_;
  Monitor monitor_;
  Interrupt interrupt_;
  DataSetup data_;
  std::unique_ptr<data::Sampler> train_set_, val_set_;
  std::unique_ptr<Optimizer> optimizer_;
  // Where training stands. sums_: of the epoch under way by metric, and best, waited, stopped.
  std::map<std::string, double> sums_;
  int64_t epoch_ = 0, batch_ = 0, step_ = 0, first_step_ = 0, last_step_ = 0, epoch_samples_ = 0;
  double lr_ = 0, data_wait_ = 0;  // seconds of the epoch that steps waited for their batch
  Clock::time_point start_, epoch_start_, beat_ = Clock::now();
};

RunResult go(Setup& setup, runs::Store& store, const std::string& id,
             const std::filesystem::path& folder, Progress& progress) {
  try {
    return Training(setup, store, id, folder, progress).go();
  } catch (const c10::Error& error) {
    store.finish(id, "failed", error.what_without_backtrace());
    throw Error(error.what_without_backtrace());
  } catch (const std::exception& error) {
    store.finish(id, "failed", error.what());
    throw;
  }
}

}  // namespace

RunResult run(Setup setup, runs::Store& store, Progress& progress) {
  data::require_source(setup.experiment.data);
  for (const auto& note : initialise(setup)) progress.line(note);
  const std::string id = store.begin(describe(setup));
  const auto folder = store.find(id).folder;
  progress.line(
      fmt::format("run {} ({}) in {}", id, setup.experiment.experiment.name, folder.string()));
  try {
    return go(setup, store, id, folder, progress);
  } catch (const Error& error) {
    // A wrong request that only the data shows (a fold that nobody is in) is not kept either.
    if (error.fault == Fault::request && !std::filesystem::exists(folder / "last.pt"))
      runs::remove(folder.parent_path(), {id});
    throw;
  }
}

RunResult resume(const std::string& name, runs::Store& store, Progress& progress) {
  const auto found = store.find(name);
  if (found.status == "done") {
    progress.line("run " + found.id + " is finished; nothing to resume");
    return {found.id, "done", found.folder, found.metrics};
  }
  if (store.alive(found.id))
    throw Error(
        "run " + found.id + " is still running; stop it first (Ctrl-C, or kill its process)",
        Fault::request);
  Setup setup = prepare(config::Document::load(found.folder / "config.toml", {}));
  const auto changed = store.plugins_changed(found.id, plugin_uses(*setup.plugins));
  if (!changed.empty())
    progress.line("warning: rebuilt since the run began: " + join(changed, ", ") +
                  "; it may not be the same bit for bit");
  const auto last = found.folder / "last.pt";
  if (!std::filesystem::exists(last)) initialise(setup);
  store.resume(found.id, std::filesystem::exists(last) ? Checkpoint::load(last).step : 0);
  progress.line(fmt::format("run {} ({}) in {}", found.id, found.name, found.folder.string()));
  return go(setup, store, found.id, found.folder, progress);
}

}  // namespace hilum::train
