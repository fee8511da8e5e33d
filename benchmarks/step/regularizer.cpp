// SPDX-License-Identifier: Apache-2.0
#include <torch/torch.h>

#include "benchmarks/step/work.hpp"
#include "core/model/alone.hpp"
#include "core/model/safetensors.hpp"
#include "core/plugins/loader.hpp"

namespace hilum::bench {
namespace {

Values values_of(const Plugin& plugin, const Strings& words) {
  std::vector<std::pair<std::string, std::string>> texts;
  for (const auto& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos)
      throw Error("option '" + word + "': say name=value", Fault::request);
    texts.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return model::options_of(plugin, texts);
}

class RegularizerWork : public Work {
 public:
  RegularizerWork(const std::string& name, const Strings& words, Named given)
      : plugin_(loader_.load("regularizer", name)),
        grad_(tensor_of(given, "grad")),
        inputs_(model::inputs_of(plugin_, values_of(plugin_, words), given)),
        alone_(plugin_, values_of(plugin_, words), inputs_) {
    inputs_.at("u").set_requires_grad(true);
    for (const auto& item : alone_.module().named_parameters())
      names_.push_back(item.key()), to_.push_back(item.value());
    names_.push_back("u"), to_.push_back(inputs_.at("u"));
  }
  double train() override {
    gradients(forward(true));
    return 0;
  }
  void infer() override {
    const torch::InferenceMode no_grad;
    forward(false);
  }
  Named check() override {
    const Tensor z = forward(true);
    Named all{{"z", z.detach().contiguous()}};
    const auto found = gradients(z);
    for (size_t i = 0; i < found.size(); ++i) all["grad." + names_[i]] = found[i].contiguous();
    return all;
  }
  std::string about() const override { return "float32"; }

 private:
  Tensor forward(bool training) {
    if (alone_.module().is_training() != training) alone_.module().train(training);
    const Tensor z = alone_.forward(inputs_).at("z");
    alone_.take_logs();
    return z;
  }
  Tensors gradients(const Tensor& z) { return torch::autograd::grad({z}, to_, {grad_}); }

  plugins::Loader loader_;  // before all that its plugin made
  const Plugin& plugin_;
  Tensor grad_;
  Named inputs_;
  model::Alone alone_;
  Strings names_;
  Tensors to_;
};

}  // namespace

std::unique_ptr<Work> regularizer_work(const std::string& name, const Strings& options,
                                       const std::filesystem::path& inputs) {
  return std::make_unique<RegularizerWork>(name, options, model::read_safetensors(inputs));
}

}  // namespace hilum::bench
