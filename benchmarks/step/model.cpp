// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <torch/torch.h>

#include "benchmarks/step/work.hpp"
#include "core/model/safetensors.hpp"
#include "core/train/optimizer.hpp"
#include "core/train/session.hpp"

namespace hilum::bench {
namespace {

class ModelWork : public Work {
 public:
  ModelWork(train::Setup setup, Named batch)
      : setup_(std::move(setup)), notes_(train::initialise(setup_)), batch_(std::move(batch)) {
    train::place(*setup_.model, setup_.compute);
    optimizer_ = std::make_unique<train::Optimizer>(*setup_.model, setup_.experiment.train);
  }
  double train() override {
    mode(true);
    const auto placed = train::place(batch_, setup_.compute);
    optimizer_->zero_grad();
    const auto losses = setup_.model->loss(forward(placed), placed);
    const double value = losses.total.item<double>();
    losses.total.backward();
    optimizer_->step(setup_.experiment.train.lr, optimizer_->base_momentum());
    for (const auto& [name, term] : losses.terms) logged_ += term.item<double>();
    logged_ += static_cast<double>(setup_.model->take_logs().size());
    return value;
  }
  void infer() override {
    const torch::InferenceMode no_grad;
    mode(false);
    forward(train::place(batch_, setup_.compute));
    setup_.model->take_logs();
  }
  Named check() override {
    const torch::NoGradGuard no_grad;
    mode(false);
    Named all;
    for (const auto& [head, outputs] : forward(train::place(batch_, setup_.compute)))
      all[head + ".logits"] = outputs.at("logits").to(torch::kFloat).contiguous();
    setup_.model->take_logs();
    return all;
  }
  std::string about() const override {
    return fmt::format("{}, {} threads; {}", setup_.compute.precision(), setup_.compute.threads,
                       join(notes_, "; "));
  }

 private:
  model::Outputs forward(const Named& placed) {
    return setup_.model->forward(placed, setup_.compute.bfloat16);
  }
  void mode(bool training) {
    if (setup_.model->is_training() != training) setup_.model->train(training);
  }
  train::Setup setup_;
  Strings notes_;
  Named batch_;
  std::unique_ptr<train::Optimizer> optimizer_;
  double logged_ = 0;
};

}  // namespace

std::unique_ptr<Work> model_work(const std::filesystem::path& experiment, const Strings& overrides,
                                 const std::filesystem::path& batch) {
  return std::make_unique<ModelWork>(train::prepare(config::Document::load(experiment, overrides)),
                                     model::read_safetensors(batch));
}

}  // namespace hilum::bench
