// SPDX-License-Identifier: Apache-2.0
#include "core/train/checkpoint.hpp"

#include <torch/csrc/jit/serialization/pickle.h>
#include <torch/torch.h>

#include <fstream>

#include "core/util/files.hpp"
#include "hilum/error.hpp"

namespace hilum::train {
namespace {
using c10::IValue;
using Tensors = std::map<std::string, torch::Tensor>;

IValue to_dict(const Tensors& tensors) {
  c10::Dict<std::string, torch::Tensor> dict;
  for (const auto& [name, tensor] : tensors) dict.insert(name, tensor.detach().cpu());
  return dict;
}

Tensors to_tensors(const IValue& value) {
  Tensors tensors;
  for (const auto& entry : value.toGenericDict())
    tensors[entry.key().toStringRef()] = entry.value().toTensor();
  return tensors;
}

// A zip ends with its directory's end record; LibTorch's reader searches for it and accepts some
// files that were cut short.
bool ends_as_zip(const std::string& bytes) {
  constexpr size_t kRecord = 22;
  return bytes.size() >= kRecord && bytes.compare(bytes.size() - kRecord, 4, "PK\5\6") == 0;
}

}  // namespace

std::vector<char> Checkpoint::bytes() const {
  c10::Dict<std::string, double> values;
  for (const auto& [name, value] : numbers) values.insert(name, value);
  c10::impl::GenericDict all(c10::StringType::get(), c10::AnyType::get());
  all.insert("format", std::string("hilum checkpoint 1"));
  all.insert("model", to_dict(model));
  if (!average.empty()) all.insert("average", to_dict(average));
  all.insert("optimizer", to_dict(optimizer));
  all.insert("rng", to_dict(rng));
  all.insert("numbers", values);
  all.insert("epoch", epoch);
  all.insert("batch", batch);
  all.insert("step", step);
  all.insert("run", run);
  return torch::jit::pickle_save(all);
}

void Checkpoint::save(const std::filesystem::path& file) const {
  const auto all = bytes();
  util::write_file(file, {all.data(), all.size()});
}

Checkpoint Checkpoint::load(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) throw Error(file.string() + ": there is no such checkpoint");
  const std::string text = util::read_file(file);
  try {
    if (!ends_as_zip(text)) throw Error("cut short");
    const auto all = torch::jit::pickle_load({text.begin(), text.end()}).toGenericDict();
    if (all.at("format").toStringRef() != "hilum checkpoint 1") throw Error("another format");
    Checkpoint c;
    c.model = to_tensors(all.at("model"));
    if (all.contains("average")) c.average = to_tensors(all.at("average"));
    c.optimizer = to_tensors(all.at("optimizer"));
    c.rng = to_tensors(all.at("rng"));
    for (const auto& entry : all.at("numbers").toGenericDict())
      c.numbers[entry.key().toStringRef()] = entry.value().toDouble();
    c.epoch = all.at("epoch").toInt(), c.batch = all.at("batch").toInt(),
    c.step = all.at("step").toInt();
    c.run = all.at("run").toStringRef();
    return c;
  } catch (const std::exception&) {
    throw Error(file.string() + ": not a Hilum checkpoint, or damaged");
  }
}

std::map<std::string, torch::Tensor> rng_states(torch::Device device) {
  std::map<std::string, torch::Tensor> states{
      {"cpu", at::detail::getDefaultCPUGenerator().get_state()}};
  if (device.is_cuda()) states["cuda"] = at::globalContext().defaultGenerator(device).get_state();
  return states;
}

void set_rng_states(const std::map<std::string, torch::Tensor>& states, torch::Device device) {
  auto cpu = at::detail::getDefaultCPUGenerator();
  cpu.set_state(states.at("cpu"));
  if (!device.is_cuda() || !states.count("cuda")) return;
  auto cuda = at::globalContext().defaultGenerator(device);
  cuda.set_state(states.at("cuda"));
}

}  // namespace hilum::train
