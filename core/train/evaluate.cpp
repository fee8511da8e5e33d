// SPDX-License-Identifier: Apache-2.0
#include "core/train/evaluate.hpp"

#include <torch/torch.h>

#include "core/metrics/classification.hpp"

namespace hilum::train {
namespace {

using metrics::CaseScores;

std::string nodule_of(const data::Region& region) { return region.id; }

// One mask output: gathers a region's probabilities until it is whole, then compares on its own
// grid.
class MaskScorer {
 public:
  MaskScorer(std::string prefix, Output output, const data::Sampler& sampler,
             const EvaluateHooks& hooks)
      : prefix_(std::move(prefix)), output_(std::move(output)), sampler_(sampler), hooks_(hooks) {}

  void add(const data::SampleId& sample,
           const Tensor& probability) {  // [1,1,...] float32 on the CPU
    if (!parts_.empty() && sample.region != region_) finish();
    region_ = sample.region;
    parts_.push_back(probability);
  }

  void report(Evaluation& into) {
    if (!parts_.empty()) finish();
    const metrics::Scores scores = metrics::summarize(cases_);
    for (const auto& [name, value] : scores.values) into.metrics[prefix_ + name] = value;
    for (const auto& text : scores.undefined) into.undefined.push_back(prefix_ + text);
    for (const auto& c : cases_) {
      for (const auto& [name, value] : metrics::named(c.scores))
        into.cases.push_back({c.patient, c.nodule, c.slice, prefix_ + name, value});
      // A table's nonempty_ means need it: the scores of two empty masks are those of a perfect
      // one.
      into.cases.push_back(
          {c.patient, c.nodule, c.slice, prefix_ + "empty", static_cast<double>(c.scores.empty)});
    }
  }

 private:
  void finish() {
    const auto& region = sampler_.set().regions[region_];
    const auto values = data::to_region(torch::cat(parts_), region, sampler_.options());
    parts_.clear();
    if (hooks_.mask)
      hooks_.mask(region, prefix_.substr(0, prefix_.size() - 1), values, output_.threshold);
    std::vector<uint8_t> pred(values.size());
    for (size_t i = 0; i < values.size(); ++i)
      pred[i] = values[i] > static_cast<float>(output_.threshold);
    const auto& [size, spacing] = std::tie(region.geometry.size, region.geometry.spacing);
    cases_.push_back(
        {region.patient,
         nodule_of(region),
         {},
         metrics::compare(
             {pred, {size.begin(), size.end()}, {spacing.begin(), spacing.end()}},
             {region.mask, {size.begin(), size.end()}, {spacing.begin(), spacing.end()}})});
    if (sampler_.options().dims != 2) return;
    const auto area = static_cast<size_t>(size[1] * size[2]);
    for (int64_t d = 0; d < size[0]; ++d) {
      const auto view = [&](const std::vector<uint8_t>& mask) {
        return metrics::MaskView{std::span(mask).subspan(static_cast<size_t>(d) * area, area),
                                 {size[1], size[2]},
                                 {spacing[1], spacing[2]}};
      };
      cases_.push_back(
          {region.patient, nodule_of(region), d, metrics::compare(view(pred), view(region.mask))});
    }
  }

  std::string prefix_;
  Output output_;
  const data::Sampler& sampler_;
  const EvaluateHooks& hooks_;
  size_t region_ = 0;
  std::vector<Tensor> parts_;
  std::vector<CaseScores> cases_;
};

// One number a sample: binary, ordinal or regression. A nodule's value is the mean over its slices.
class ValueScorer {
 public:
  ValueScorer(std::string prefix, Output output, const data::Sampler& sampler)
      : prefix_(std::move(prefix)), output_(std::move(output)), sampler_(sampler) {}

  void add(const data::SampleId& sample, double predicted, double truth) {
    samples_.push_back({sample, predicted, truth});
  }

  void report(Evaluation& into) const {
    std::vector<double> predicted, truth;
    if (sampler_.options().dims == 2) {
      for (const auto& s : samples_) predicted.push_back(s.predicted), truth.push_back(s.truth);
      score("slice_", predicted, truth, into);
      predicted.clear(), truth.clear();
    }
    for (size_t begin = 0; begin < samples_.size();) {
      size_t end = begin;
      double sum = 0, most = samples_[begin].truth;
      for (; end < samples_.size() && samples_[end].id.region == samples_[begin].id.region; ++end) {
        sum += samples_[end].predicted;
        most = std::max(most, samples_[end].truth);  // a region's target is the same on all slices,
                                                     // but for nodule_present
      }
      const auto& region = sampler_.set().regions[samples_[begin].id.region];
      predicted.push_back(sum / static_cast<double>(end - begin)), truth.push_back(most);
      into.cases.push_back(
          {region.patient, nodule_of(region), {}, prefix_ + "predicted", predicted.back()});
      if (!std::isnan(most))
        into.cases.push_back({region.patient, nodule_of(region), {}, prefix_ + "truth", most});
      begin = end;
    }
    score("", predicted, truth, into);
  }

 private:
  void score(const std::string& level, const std::vector<double>& predicted,
             const std::vector<double>& truth, Evaluation& into) const {
    const metrics::Scores scores = output_.kind == OutputKind::regression
                                       ? metrics::regression(predicted, truth)
                                   : output_.kind == OutputKind::ordinal
                                       ? metrics::ordinal(predicted, truth)
                                       : metrics::binary(predicted, truth, output_.threshold);
    for (const auto& [name, value] : scores.values) into.metrics[prefix_ + level + name] = value;
    for (const auto& text : scores.undefined) into.undefined.push_back(prefix_ + level + text);
  }

  struct Sample {
    data::SampleId id;
    double predicted, truth;
  };
  std::string prefix_;
  Output output_;
  const data::Sampler& sampler_;
  std::vector<Sample> samples_;
};

// The scorers of one head, by its outputs' kinds: the core knows no head by name.
class HeadScorer {
 public:
  HeadScorer(const model::Model::HeadSlot& slot, const data::Sampler& sampler,
             const EvaluateHooks& hooks)
      : head_(slot.name), rules_(slot.head) {
    const auto outputs = slot.head->outputs();
    for (const auto& output : outputs) {
      const std::string prefix = head_ + "." + (outputs.size() > 1 ? output.target + "." : "");
      outputs_.push_back(output);
      if (output.kind == OutputKind::mask)
        masks_.emplace(outputs_.size() - 1, MaskScorer(prefix, output, sampler, hooks));
      else
        values_.emplace(outputs_.size() - 1, ValueScorer(prefix, output, sampler));
    }
  }

  void add(const data::Batch& batch, const model::Outputs& outputs) {
    for (auto& [i, scorer] : masks_) {
      const Tensor p = outputs.at(head_).at(outputs_[i].probability).to(torch::kCPU, torch::kFloat);
      for (size_t n = 0; n < batch.samples.size(); ++n)
        scorer.add(batch.samples[n],
                   p.slice(0, static_cast<int64_t>(n), static_cast<int64_t>(n) + 1).clone());
    }
    for (auto& [i, scorer] : values_) {
      const Tensor p =
          outputs.at(head_).at(outputs_[i].probability).to(torch::kCPU, torch::kDouble).flatten();
      const Tensor y =
          rules_->truth(outputs_[i], batch.values).to(torch::kCPU, torch::kDouble).flatten();
      for (size_t n = 0; n < batch.samples.size(); ++n)
        scorer.add(batch.samples[n], p[static_cast<int64_t>(n)].item<double>(),
                   y[static_cast<int64_t>(n)].item<double>());
    }
  }

  void report(Evaluation& into) {
    for (auto& [i, scorer] : masks_) scorer.report(into);
    for (auto& [i, scorer] : values_) scorer.report(into);
  }

 private:
  std::string head_;
  std::shared_ptr<const Head> rules_;
  std::vector<Output> outputs_;
  std::map<size_t, MaskScorer> masks_;
  std::map<size_t, ValueScorer> values_;
};

}  // namespace

Evaluation evaluate(model::Model& model, const data::Sampler& sampler, const Compute& compute,
                    int64_t batch_size, const EvaluateHooks& hooks) {
  const torch::InferenceMode no_grad;
  const bool was_training = model.is_training();
  model.eval();
  std::vector<HeadScorer> scorers;
  for (const auto& slot : model.heads()) scorers.emplace_back(slot, sampler, hooks);
  Evaluation result;
  std::map<std::string, double> sums;
  int64_t seen = 0, batches = 0;
  data::Loader loader(sampler, 0, batch_size, false, sampler.options().workers);
  for (data::Batch batch; loader.next(batch);) {
    const Named values = place(batch.values, compute);
    const auto outputs =
        hooks.answer ? hooks.answer(values) : model.forward(values, compute.bfloat16);
    if (!hooks.answer) {
      const auto losses = model.loss(outputs, values);
      const auto n = static_cast<int64_t>(batch.samples.size());
      sums["loss"] += losses.total.item<double>() * static_cast<double>(n);
      for (const auto& [name, term] : losses.terms)
        sums[name] += term.item<double>() * static_cast<double>(n);
      seen += n;
    }
    for (auto& scorer : scorers) scorer.add(batch, outputs);
    if (hooks.tick) hooks.tick(++batches, loader.batches());
  }
  for (const auto& [name, sum] : sums)
    result.metrics[name] = sum / static_cast<double>(std::max<int64_t>(1, seen));
  for (auto& scorer : scorers) scorer.report(result);
  model.train(was_training);
  return result;
}

}  // namespace hilum::train
