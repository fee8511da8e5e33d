// SPDX-License-Identifier: Apache-2.0
#include "core/train/step_bench.hpp"

#include <sys/resource.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>

#include "core/train/op_times.hpp"
#include "core/train/optimizer.hpp"
#include "core/train/pace.hpp"
#include "core/train/schedule.hpp"
#include "core/train/step_record.hpp"
#include "core/util/files.hpp"

namespace hilum::train {
namespace {

enum Phase { wait, forward, backward, update, record, kPhases };
constexpr const char* kNames[kPhases] = {"wait for data", "forward and loss", "backward",
                                         "optimizer", "record"};
constexpr size_t kOps = 12;

class Bench {
 public:
  Bench(Setup& setup, const StepBenchOptions& options, Progress& progress)
      : setup_(setup),
        train_(setup.experiment.train),
        options_(options),
        data_(load_data(setup.experiment, *setup.model)) {
    progress.line(data_.split.text);
    show_targets(*setup_.model, data_);
    place(*setup_.model, setup_.compute);
    optimizer_.emplace(*setup_.model, train_);
    record_.emplace(folder_.path, train_.digests, *setup_.model);
    samples_.emplace(data_.set, data_.split.train, setup_.experiment.data,
                     setup_.experiment.experiment.seed, true);
    setup_.model->train();
  }

  StepBench run() {
    for (int64_t i = 0; i < options_.warmup; ++i) step();
    std::optional<OpTimes> ops;
    if (options_.profile) ops.emplace();
    totals_ = {};
    std::vector<double> times;
    for (int64_t i = 0; i < options_.steps; ++i) {
      const auto start = Pace::Clock::now();
      step(ops ? &*ops : nullptr);
      times.push_back(Pace::since(start));
    }
    return told(times);
  }

 private:
  // The same as Training::train_batch and step, with a look at the clock between.
  void step(OpTimes* ops = nullptr) {
    auto last = Pace::Clock::now();
    const auto lap = [&](Phase phase) {
      if (setup_.compute.device.is_cuda()) torch::cuda::synchronize();
      totals_[phase] += Pace::since(last);
      if (ops) gather(ops->take(), phase);
      last = Pace::Clock::now();
    };
    const auto batch = next();
    lap(wait);
    record_->begin(batch);
    lap(record);
    const Named values = place(batch.values, setup_.compute);
    optimizer_->zero_grad();
    const auto losses =
        setup_.model->loss(setup_.model->forward(values, setup_.compute.bfloat16), values);
    const double loss = losses.total.item<double>();
    lap(forward);
    losses.total.backward();
    lap(backward);
    if (train_.clip > 0) optimizer_->clip(train_.clip);
    optimizer_->step(train_.lr, optimizer_->base_momentum());
    lap(update);
    ++done_;
    record_->end({.epoch = 1, .batch = done_, .step = done_, .loss = loss}, true, false);
    for (const auto& [name, term] : losses.terms) (void)term.item<double>();
    for (const auto& [name, value] : setup_.model->take_logs()) (void)value.cpu();
    lap(record);
  }

  // Epoch after epoch, as far as the steps need.
  data::Batch next() {
    data::Batch batch;
    while (!loader_ || !loader_->next(batch)) {
      loader_.emplace(*samples_, epoch_++, train_.batch, true, setup_.experiment.data.workers);
      if (loader_->batches() == 0)
        throw Error("train.batch: value " + std::to_string(train_.batch) + ", but only " +
                        std::to_string(samples_->size()) + " samples to train with.",
                    Fault::request);
    }
    return batch;
  }

  void gather(const std::map<std::string, OpTimes::Spent>& spent, Phase phase) {
    for (const auto& [op, s] : spent) {
      const auto add = [&](std::map<std::string, StepWork>& to, const std::string& key) {
        auto& work = to[key];
        work.kind = key;
        work.seconds += s.seconds, work.calls += static_cast<double>(s.calls);
      };
      add(works_, phase == update   ? "optimizer"
                  : phase == wait   ? "data"
                  : phase == record ? "record"
                                    : kind_of_work(op));
      if (phase == forward || phase == backward) add(ops_, op);
    }
  }

  std::vector<StepWork> ranked(const std::map<std::string, StepWork>& works, size_t most) const {
    std::vector<StepWork> list;
    for (const auto& [key, work] : works)
      list.push_back({key, work.seconds / static_cast<double>(options_.steps),
                      work.calls / static_cast<double>(options_.steps)});
    std::ranges::sort(list, std::greater<>(), &StepWork::seconds);
    if (list.size() > most) list.resize(most);
    return list;
  }

  StepBench told(std::vector<double> times) const {
    StepBench bench{.batch = train_.batch, .steps = options_.steps};
    const double whole = std::accumulate(times.begin(), times.end(), 0.0);
    std::ranges::sort(times);
    const auto at = [&](double part) {
      return times[static_cast<size_t>(std::lround(part * static_cast<double>(times.size() - 1)))];
    };
    bench.median = at(0.5), bench.low = at(0.25), bench.high = at(0.75);
    bench.samples_per_s = static_cast<double>(train_.batch * options_.steps) / whole;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    bench.peak_bytes = static_cast<double>(usage.ru_maxrss) * 1024;
    for (int p = 0; p < kPhases; ++p)
      bench.phases.push_back({kNames[p], totals_[p] / static_cast<double>(options_.steps)});
    bench.works = ranked(works_, works_.size()), bench.ops = ranked(ops_, kOps);
    return bench;
  }

  // steps.csv of steps that are no run's.
  struct Scratch {
    Scratch() {
      std::string name = (std::filesystem::temp_directory_path() / "hilum_bench_XXXXXX").string();
      if (mkdtemp(name.data()) == nullptr) throw Error(name + ": cannot be made.");
      path = name;
    }
    ~Scratch() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
    std::filesystem::path path;
  };

  Setup& setup_;
  const config::TrainOptions& train_;
  const StepBenchOptions options_;
  DataSetup data_;
  Scratch folder_;
  std::optional<Optimizer> optimizer_;
  std::optional<StepRecord> record_;
  std::optional<data::Sampler> samples_;
  std::optional<data::Loader> loader_;
  int64_t epoch_ = 0, done_ = 0;
  std::array<double, kPhases> totals_{};
  std::map<std::string, StepWork> works_, ops_;
};

}  // namespace

StepBench bench_steps(Setup& setup, const StepBenchOptions& options, Progress& progress) {
  data::require_source(setup.experiment.data);
  torch::manual_seed(static_cast<uint64_t>(setup.experiment.experiment.seed));
  return Bench(setup, options, progress).run();
}

}  // namespace hilum::train
