// SPDX-License-Identifier: Apache-2.0
#include "core/train/training.hpp"

#include <fmt/core.h>
#include <torch/torch.h>

#include <cmath>
#include <utility>

#include "core/model/weights.hpp"
#include "core/train/checkpoint.hpp"
#include "core/train/evaluate.hpp"
#include "core/train/record.hpp"
#include "core/train/test_split.hpp"
#include "core/util/files.hpp"

namespace hilum::train {

Training::Training(Setup& setup, runs::Store& store, runs::Run run, Progress& progress)
    : setup_(setup),
      options_(setup.experiment.train),
      store_(store),
      run_(std::move(run)),
      progress_(progress),
      monitor_(options_, setup.model->heads().front().name),
      sums_(!setup.compute.device.is_cpu()) {}

RunResult Training::go() {
  progress_.log_to(run_.folder / "log.txt");
  data_ = load_data(setup_.experiment, *setup_.model);
  for (const auto& text : data_.warnings) progress_.line("warning: " + text);
  record_data(store_, run_.id, data_);
  progress_.line(data_.split.text);
  const auto& data = setup_.experiment.data;
  const int64_t seed = setup_.experiment.experiment.seed;
  train_set_ = std::make_unique<data::Sampler>(data_.set, data_.split.train, data, seed, true);
  progress_.line("to train: " + train_set_->counts());
  show_targets(*setup_.model, data_);
  place(*setup_.model, setup_.compute);
  optimizer_ = std::make_unique<Optimizer>(*setup_.model, options_);
  if (options_.ema > 0) average_.emplace(*setup_.model, options_.ema);
  restore();
  const bool finished = fit();
  if (!finished) return stop();
  return test();
}

void Training::restore() {
  for (const auto& entry : std::filesystem::directory_iterator(run_.folder))
    if (entry.path().filename().string().find(".pt.part") != std::string::npos)
      std::filesystem::remove(entry);  // half written when a process was killed
  torch::manual_seed(static_cast<uint64_t>(setup_.experiment.experiment.seed));
  const auto last = run_.folder / "last.pt";
  if (!std::filesystem::exists(last)) return;
  const auto c = Checkpoint::load(last);
  const auto report = model::load_state(*setup_.model, c.model);
  if (!report.missing.empty() || !report.mismatched.empty())
    throw Error(last.string() + ": does not fit the model that config.toml assembles: " +
                join(report.missing, ", ") + join(report.mismatched, ", ") +
                ". Were plugins rebuilt with other stages since?");
  optimizer_->load_state(c.optimizer);
  if (average_) average_->load_state(c.average);
  set_rng_states(c.rng, setup_.compute.device);
  sums_.numbers() = c.numbers, epoch_ = c.epoch, batch_ = c.batch, step_ = c.step;
  progress_.line(batch_ ? fmt::format("going on in epoch {} after {} batches", epoch_ + 1, batch_)
                        : fmt::format("going on after epoch {}", epoch_));
}

// The weights as they are trained, to go on with, and the average beside them.
void Training::save_last() {
  save(run_.folder / "last.pt", model::state(*setup_.model),
       average_ ? average_->state() : std::map<std::string, Tensor>());
}

// What was validated.
void Training::save_best() {
  save(run_.folder / "best.pt", average_ ? average_->state() : model::state(*setup_.model), {});
}

void Training::save(const std::filesystem::path& file, std::map<std::string, Tensor> model,
                    std::map<std::string, Tensor> average) {
  read_loss();
  sums_.fetch();
  record_->flush();
  const Checkpoint c{.model = std::move(model),
                     .optimizer = optimizer_->state(),
                     .average = std::move(average),
                     .rng = rng_states(setup_.compute.device),
                     .numbers = sums_.numbers(),
                     .epoch = epoch_,
                     .batch = batch_,
                     .step = step_,
                     .run = run_.id};
  const auto bytes = c.bytes();
  store_.flush();  // what it claims to have done is in the store; written while the bytes were made
  util::write_file(file, {bytes.data(), bytes.size()});
}

bool Training::fit() {
  const int64_t batches = train_set_->size() / options_.batch +
                          (!options_.drop_last && train_set_->size() % options_.batch);
  if (batches == 0)
    throw Error(
        fmt::format("train.batch: value {}, but only {} samples to train with (train.drop_last)",
                    options_.batch, train_set_->size()),
        Fault::request);
  const int64_t steps = (batches + options_.accumulate - 1) / options_.accumulate;
  schedule_.emplace(options_, steps);
  if (!data_.split.val.empty())
    val_set_ = std::make_unique<data::Sampler>(data_.set, data_.split.val, setup_.experiment.data,
                                               setup_.experiment.experiment.seed, false);
  record_.emplace(run_.folder, options_.digests, *setup_.model);
  pace_.begin(step_, steps * options_.epochs);
  setup_.model->train();
  while (epoch_ < options_.epochs && !Monitor::stopped(sums_.numbers())) {
    if (!train_epoch()) return false;
    finish_epoch();
  }
  return true;
}

bool Training::train_epoch() {
  pace_.begin_epoch();
  data::Loader loader(*train_set_, epoch_, options_.batch, options_.drop_last,
                      setup_.experiment.data.workers, batch_);
  for (data::Batch batch; next(loader, batch);) {
    const bool stepped = train_batch(batch, loader.batches());
    if (Pace::since(beat_) > 20) store_.heartbeat(run_.id), beat_ = Pace::Clock::now();
    show(stepped, loader.batches());
    // Between steps, for a checkpoint has no half of a gradient.
    if (stepped && interrupt_.asked()) return save_last(), false;
  }
  return true;
}

bool Training::next(data::Loader& loader, data::Batch& batch) {
  const auto asked = Pace::Clock::now();
  const bool more = loader.next(batch);
  pace_.wait(Pace::since(asked));
  return more;
}

// A loss is read before the weights move, or, on a GPU, when the next batch has been given out.
bool Training::train_batch(const data::Batch& batch, int64_t batches) {
  const bool late = setup_.compute.late;
  if (!late) record_->begin(batch);  // the model may write into it
  const Named values = place(batch.values, setup_.compute);
  if (batch_ % options_.accumulate == 0) optimizer_->zero_grad();
  auto losses = setup_.model->loss(setup_.model->forward(values, setup_.compute.bfloat16), values);
  Unread now{.ids = batch.ids,
             .losses = {losses.total.detach(), losses.terms},
             .step = step_ + 1,
             .line = {.epoch = epoch_ + 1, .batch = batch_ + 1}};
  if (!late) now.loss = finite(now);
  now.stepped = add_gradients(losses.total, batches);
  if (now.stepped) step();
  read_loss();
  if (late) record_->begin(batch);
  for (const auto& [name, term] : losses.terms) sums_.add("train." + name, term);
  for (const auto& [name, value] : setup_.model->take_logs()) sums_.add("train." + name, value);
  pace_.add(static_cast<int64_t>(batch.samples.size()));
  ++batch_;
  now.line.step = step_;
  now.last = batch_ == batches;
  unread_ = std::move(now);
  const bool full = unread_->stepped;
  if (!late || unread_->last) read_loss();
  return full;
}

double Training::finite(const Unread& batch) const {
  const double loss = batch.losses.total.item<double>();
  if (!std::isfinite(loss)) refuse(loss, batch);
  return loss;
}

void Training::read_loss() {
  if (!unread_) return;
  const Unread batch = std::move(*std::exchange(unread_, std::nullopt));
  auto line = batch.line;
  line.loss = batch.loss ? *batch.loss : finite(batch);
  sums_.add("train.loss", line.loss);
  record_->end(line, batch.stepped, batch.last);
}

// The mean over the group of batches that make one step; an epoch's last group may be smaller.
bool Training::add_gradients(const Tensor& loss, int64_t batches) {
  const int64_t done = batch_ % options_.accumulate;
  const int64_t group = std::min(options_.accumulate, batches - (batch_ - done));
  (group > 1 ? loss / static_cast<double>(group) : loss).backward();
  return done + 1 == group;
}

void Training::step() {
  if (options_.clip > 0) optimizer_->clip(options_.clip);
  optimizer_->step(schedule_->lr(step_), schedule_->momentum(step_, optimizer_->base_momentum()));
  if (average_) average_->update(step_);
  ++step_;
}

void Training::refuse(double loss, const Unread& batch) const {
  std::string terms;
  for (const auto& [name, term] : batch.losses.terms)
    terms += fmt::format("{}{} {}", terms.empty() ? "" : ", ", name, term.item<double>());
  throw Error(
      fmt::format("epoch {}, step {}: the loss is {} ({}). Cases of the batch: {}. A smaller "
                  "train.lr, train.clip or "
                  "train.precision=float32 may help; the last checkpoint is that of epoch {}",
                  batch.line.epoch, batch.step, loss, terms, join(batch.ids, "; "), epoch_));
}

void Training::show(bool stepped, int64_t batches) {
  const std::string epoch = fmt::format("epoch {}/{}", epoch_ + 1, options_.epochs);
  progress_.bar(epoch, batch_, batches, pace_.left(step_));
  const int64_t read = batch_ - (unread_ ? 1 : 0);
  if (stepped && options_.log_every > 0 && step_ % options_.log_every == 0 && read > 0)
    progress_.line(fmt::format("{}  step {}/{}  loss {:.4f}", epoch, batch_, batches,
                               sums_.numbers().at("train.loss") / static_cast<double>(read)));
}

// Logs, then keeps: what a checkpoint claims to have done is in the store.
void Training::finish_epoch() {
  const auto pace = pace_.epoch();
  sums_.fetch();
  std::vector<runs::Metric> rows;
  std::string text = fmt::format("epoch {}/{}", epoch_ + 1, options_.epochs);
  const auto row = [&](const std::string& name, double value) {
    rows.push_back({step_, epoch_ + 1, "train", name, value});
  };
  for (auto& [name, sum] : sums_.numbers())
    if (name.starts_with("train.")) {
      const double mean = sum / static_cast<double>(batch_);
      row(name.substr(6), mean);
      if (name == "train.loss") text += fmt::format("  loss {:.4f}", mean);
      sum = 0;
    }
  row("lr", schedule_->lr(step_ - 1));
  row("samples_per_s", pace.samples_per_s);
  row("data_wait", pace.data_wait);
  ++epoch_, batch_ = 0;
  bool better = false;
  if (val_set_ && (epoch_ % options_.validate_every == 0 || epoch_ == options_.epochs))
    better = validate(rows, text);
  store_.log(run_.id, rows);
  store_.heartbeat(run_.id), beat_ = Pace::Clock::now();
  if (better) save_best();
  save_last();
  progress_.line(fmt::format("{}  {:.1f} samples/s  data-wait {:.1f} %  {} left", text,
                             pace.samples_per_s, 100 * pace.data_wait,
                             duration(pace_.left(step_))));
  if (Monitor::stopped(sums_.numbers()))
    progress_.line(fmt::format("stopped early: {} has not improved for {} validations",
                               monitor_.metric(), options_.patience));
}

bool Training::validate(std::vector<runs::Metric>& rows, std::string& text) {
  const Average::InUse averaged(average_ ? &*average_ : nullptr);
  const auto evaluation = evaluate(
      *setup_.model, *val_set_, setup_.compute, options_.batch,
      {.tick = [&](int64_t done, int64_t total) { progress_.bar("validation", done, total, 0); }});
  for (const auto& [name, value] : evaluation.metrics)
    rows.push_back({step_, epoch_, "val", name, value});
  const bool better = monitor_.better(evaluation, sums_.numbers());
  text += fmt::format("  {} {:.4f}", monitor_.metric(), monitor_.value());
  return better;
}

RunResult Training::stop() {
  store_.finish(run_.id, "interrupted");
  progress_.line(
      fmt::format("interrupted in epoch {}; go on with: hilum resume {}", epoch_ + 1, run_.id));
  return {run_.id, "interrupted", run_.folder, {}};
}

RunResult Training::test() {
  std::filesystem::path weights = run_.folder / "best.pt";
  if (data_.split.val.empty() || !std::filesystem::exists(weights))
    weights = run_.folder / "last.pt";
  model::load_state(*setup_.model, Checkpoint::load(weights).weights());
  train::test(setup_, data_, store_, run_, step_, epoch_, progress_);
  store_.add_artifact(run_.id, "weights", weights);
  store_.finish(run_.id, "done");
  return {run_.id, "done", run_.folder, store_.find(run_.id).metrics};
}

}  // namespace hilum::train
