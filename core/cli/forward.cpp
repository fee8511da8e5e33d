// SPDX-License-Identifier: Apache-2.0
// hilum forward: one plugin, or a run's whole model, as a function of the tensors in a file.
#include <ATen/Context.h>
#include <fmt/core.h>
#include <torch/torch.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/cli/commands.hpp"
#include "core/model/alone.hpp"
#include "core/model/autocast.hpp"
#include "core/model/gradients.hpp"
#include "core/model/published.hpp"
#include "core/model/safetensors.hpp"
#include "core/model/weight_file.hpp"
#include "core/model/weights.hpp"
#include "core/plugins/registry.hpp"
#include "core/runs/queries.hpp"
#include "core/train/checkpoint.hpp"
#include "core/train/session.hpp"
#include "core/util/text.hpp"

namespace hilum::cli {
namespace {
namespace fs = std::filesystem;

struct Options {
  std::string what, in, out, weights, save_weights;
  Strings set;
  std::string dtype = "f32", device = "cpu", checkpoint = "best";
  int64_t seed = 0;
  bool grad = false, train = false, json = false;
};

// What is computed, and from what.
struct Subject {
  std::string title;  // "backbone 'unet'", "run 01KAM... (quickstart)"
  std::function<Named(const Named&, bool autocast)> forward;  // owns all of this
  torch::nn::Module* module = nullptr;
  std::map<std::string, std::string> aliases;  // stage -> where published weights have it
  Named inputs;                                // those of the file that it reads
};

std::string shape_text(at::IntArrayRef sizes) {
  Strings words;
  for (const auto size : sizes) words.push_back(std::to_string(size));
  return "[" + join(words, ",") + "]";
}

std::string type_text(const Tensor& t) {
  switch (t.scalar_type()) {
    case at::kFloat:
      return "float32";
    case at::kDouble:
      return "float64";
    case at::kBFloat16:
      return "bfloat16";
    default:
      return c10::toString(t.scalar_type());
  }
}

Strings names_of(const Named& named) {
  Strings names;
  for (const auto& [name, tensor] : named) names.push_back(name);
  return names;
}

// A file of input that cannot be read is wrong data, whatever is the matter with it.
Named read_tensors(const std::string& file) {
  try {
    return model::read_safetensors(file);
  } catch (const Error& error) {
    throw Error(std::string("--in: ") + error.what(), Fault::data);
  }
}

Named read_weights(const std::string& file) {
  try {
    return model::read_weight_file(file);
  } catch (const Error& error) {
    throw Error(std::string("--weights: ") + error.what(), Fault::data);
  }
}

// Whoever compares with another program wants float32 to be float32, not TensorFloat-32.
torch::Device device_of(const Options& options) {
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setAllowTF32CuBLAS(false);
  config::TrainOptions train;
  train.device = options.device;
  try {
    return train::make_compute(train).device;
  } catch (const Error& error) {
    std::string text = error.what();
    for (auto at = text.find("train.device"); at != std::string::npos;
         at = text.find("train.device"))
      text.replace(at, 12, "--device");
    throw Error(text, error.fault);
  }
}

std::string check_device(const std::string& text) {
  const bool numbered = text.starts_with("cuda:") && text.size() > 5 && text.size() < 8 &&
                        std::all_of(text.begin() + 5, text.end(),
                                    [](unsigned char c) { return std::isdigit(c) != 0; });
  return text == "cpu" || text == "auto" || text == "cuda" || numbered
             ? ""
             : "value '" + text + "', allowed cpu, auto, cuda or cuda:N";
}

// A plugin as it is when it is new. In float64 its constants are those of the options, to the last
// digit; what is drawn at random are float32's numbers, so that a seed means one set of weights.
std::unique_ptr<model::Alone> build(const Plugin& plugin, const Values& values, const Named& inputs,
                                    const Options& options) {
  const auto fresh = [&] {
    torch::manual_seed(static_cast<uint64_t>(options.seed));
    return std::make_unique<model::Alone>(plugin, values, inputs);
  };
  if (options.dtype != "f64") return fresh();
  torch::set_default_dtype(caffe2::TypeMeta::Make<double>());
  auto precise = fresh();
  torch::set_default_dtype(caffe2::TypeMeta::Make<float>());
  const auto drawn = fresh();
  const torch::NoGradGuard no_grad;
  auto all = model::state(precise->module());
  for (const auto& [name, t] : model::state(drawn->module()))
    if (auto& p = all.at(name); !p.to(t.scalar_type()).equal(t)) p.copy_(t);
  return precise;
}

struct Parts {  // in this order: the plugin's code goes last
  plugins::Loader loader;
  std::unique_ptr<model::Alone> alone;
};

Subject lone(const Options& options, const Named& given) {
  const auto slash = options.what.find('/');
  const std::string kind = options.what.substr(0, slash), name = options.what.substr(slash + 1);
  const auto& kinds = plugins::kinds();
  if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end())
    throw Error(
        options.what + ": there is no kind '" + kind + "' of plugin." + suggestion(kind, kinds),
        Fault::request);
  std::vector<std::pair<std::string, std::string>> texts;
  for (const auto& text : options.set) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Error("--set " + text + ": this sets nothing. Write --set option=value",
                  Fault::request);
    texts.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  auto parts = std::make_shared<Parts>();
  const Plugin& plugin = parts->loader.load(kind, name);
  const Values values = model::options_of(plugin, texts, "--set ");
  Subject subject{.title = kind + " '" + name + "'",
                  .inputs = model::inputs_of(plugin, values, given)};
  try {
    parts->alone = build(plugin, values, subject.inputs, options);
  } catch (const Error& error) {  // what else the file has is half of the explanation
    const bool all_read = subject.inputs.size() == given.size();
    throw Error(error.what() + (all_read ? "" : ". The file has: " + join(names_of(given), ", ")),
                error.fault);
  }
  subject.module = &parts->alone->module();
  subject.aliases = parts->alone->aliases();
  subject.forward = [parts](const Named& inputs, bool autocast) {
    const model::Autocast scope(autocast);
    return parts->alone->forward(inputs);
  };
  return subject;
}

// The id of a run; for a plugin's bare name, what would have been meant.
runs::Details find_run(const std::string& what) {
  const runs::Reader reader;
  try {
    return reader.show(reader.find(what));
  } catch (const Error& error) {
    const plugins::Catalog catalog;
    for (const auto& entry : catalog.entries())
      if (entry.name == what)
        throw Error(
            std::string(error.what()) + " A plugin is named with its kind: " + entry.address(),
            error.fault);
    throw;
  }
}

// The model's inputs from the file: "x" is another name for "image".
Named inputs_of(const model::Model& model, const std::string& title, const Named& given) {
  Named read;
  for (const auto& info : model.ops()) {
    if (info.op.kind != model::Op::Kind::input) continue;
    const std::string& name = info.op.owner;
    auto found = given.find(name);
    if (found == given.end() && name == "image") found = given.find("x");
    if (found == given.end())
      throw Error(fmt::format("{}: the input '{}' is missing. The file has: {}", title, name,
                              given.empty() ? "nothing" : join(names_of(given), ", ")),
                  Fault::request);
    const Tensor& t = found->second;
    if (t.dim() != std::ssize(info.shape) || t.size(1) != info.shape.channels() || !t.numel())
      throw Error(fmt::format("{}: the input '{}' is {}, allowed [N,{},{}H,W], not empty", title,
                              found->first, shape_text(t.sizes()), info.shape.channels(),
                              info.shape.size() > 4 ? "D," : ""),
                  Fault::request);
    read[found->first] = t;
  }
  return read;
}

Subject whole(const Options& options, const Named& given) {
  if (!options.set.empty())
    throw Error("--set is for a plugin alone; a run's model is as its config.toml says",
                Fault::request);
  const auto run = find_run(options.what);
  const auto file = train::checkpoint_file(run.folder, options.checkpoint);
  if (!fs::exists(file))
    throw Error("run " + run.id + " (" + run.status + ") has no checkpoint yet", Fault::request);
  const auto setup = std::make_shared<train::Setup>(train::prepare(config::Document::load(
      run.folder / "config.toml",
      {"train.device=" + options.device, "train.precision=float32", "train.channels_last=off"})));
  const auto report = model::load_state(*setup->model, train::Checkpoint::load(file).weights());
  if (!report.missing.empty())
    throw Error(file.string() + ": has no " + join(report.missing, ", "));
  Subject subject{.title = "run " + run.id + " (" + run.name + ")"};
  subject.inputs = inputs_of(*setup->model, subject.title, given);
  subject.module = setup->model.get();
  subject.aliases = setup->model->aliases();
  torch::manual_seed(static_cast<uint64_t>(options.seed));
  subject.forward = [setup](const Named& inputs, bool autocast) {
    Named named = inputs;
    if (const auto x = inputs.find("x"); x != inputs.end()) named.emplace("image", x->second);
    Named flat;
    for (const auto& [head, outputs] : setup->model->forward(named, autocast))
      for (const auto& [name, tensor] : outputs) flat[head + "." + name] = tensor;
    return flat;
  };
  return subject;
}

// Module::to would make counters of steps into numbers with a fraction.
void convert(torch::nn::Module& module, torch::ScalarType type, torch::Device device) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, t] : model::state(module))
    t.set_data(t.is_floating_point() ? t.to(device, type) : t.to(device));
}

// Throws where something is missing or of another shape.
model::LoadReport load_weights(Subject& subject, const std::string& file) {
  auto report = model::load_published(*subject.module, subject.aliases, read_weights(file));
  Strings wrong;
  if (!report.missing.empty()) wrong.push_back("it has no " + join(report.missing, ", "));
  if (!report.mismatched.empty())
    wrong.push_back("of another shape: " + join(report.mismatched, "; "));
  if (!wrong.empty() && !report.left_over.empty())
    wrong.push_back("left over: " + join(report.left_over, ", "));
  if (!report.missing.empty() || !report.mismatched.empty())
    throw Error(file + ": not the weights of " + subject.title + ": " + join(wrong, ". "));
  return report;
}

Named compute(const Options& options, const Subject& subject, torch::Device device, Strings& none) {
  Named inputs;
  for (const auto& [name, t] : subject.inputs)
    inputs[name] = t.to(device, options.dtype == "f64" ? torch::kDouble : torch::kFloat)
                       .set_requires_grad(options.grad);
  subject.module->train(options.train);
  model::keep_graph(*subject.module, options.grad);
  const torch::AutoGradMode mode(options.grad);
  try {
    Named all = subject.forward(inputs, options.dtype == "bf16");
    if (options.grad) all.merge(model::gradients(*subject.module, inputs, all, none));
    return all;
  } catch (const c10::Error& error) {
    throw Error(subject.title + ": " + error.what_without_backtrace());
  }
}

void save(const std::string& option, const std::string& file, const Named& tensors) {
  try {
    model::write_safetensors(file, tensors);
  } catch (const Error& error) {
    throw Error(option + ": " + error.what());
  }
}

void print(const Options& options, const Subject& subject, const Named& all,
           const nlohmann::ordered_json& notes) {
  if (!options.json) {
    std::vector<std::vector<std::string>> rows{{"tensor", "shape", "dtype"}};
    for (const auto& [name, t] : all) rows.push_back({name, shape_text(t.sizes()), type_text(t)});
    fmt::print("{}{} in {}\n", util::table(rows), subject.title, options.out);
    return;
  }
  nlohmann::ordered_json document{
      {"subject", options.what}, {"mode", options.train ? "train" : "eval"},
      {"dtype", options.dtype},  {"device", options.device},
      {"seed", options.seed},    {"file", options.out}};
  document["tensors"] = nlohmann::ordered_json::array();
  for (const auto& [name, t] : all)
    document["tensors"].push_back(
        {{"name", name}, {"shape", t.sizes().vec()}, {"dtype", type_text(t)}});
  document.update(notes);
  fmt::print("{}\n", document.dump(2));
}

void forward(const Options& options) {
  const Named given = read_tensors(options.in);
  const auto device = device_of(options);
  Subject subject =
      options.what.find('/') == std::string::npos ? whole(options, given) : lone(options, given);
  convert(*subject.module, options.dtype == "f64" ? torch::kDouble : torch::kFloat, torch::kCPU);
  Strings unused, none;
  model::LoadReport loaded;
  if (!options.weights.empty()) loaded = load_weights(subject, options.weights);
  if (!options.save_weights.empty())
    save("--save-weights", options.save_weights, model::state(*subject.module));
  for (const auto& name : names_of(given))
    if (!subject.inputs.contains(name)) unused.push_back(name);
  convert(*subject.module, options.dtype == "f64" ? torch::kDouble : torch::kFloat, device);
  const Named all = compute(options, subject, device, none);
  save("--out", options.out, all);

  const auto note = [](const char* what, const Strings& names) {
    if (!names.empty()) fmt::print(stderr, "{}: {}\n", what, join(names, ", "));
  };
  note("inputs that it does not read", unused);
  note("adapted weights", loaded.adapted);
  note("left over in the weights", loaded.left_over);
  note("no gradient reaches", none);
  nlohmann::ordered_json notes{
      {"unread", unused}, {"adapted", loaded.adapted}, {"left_over", loaded.left_over}};
  if (options.grad) notes["without_gradient"] = none;
  print(options, subject, all, notes);
}

}  // namespace

void add_forward(CLI::App& app) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand(
      "forward", "one plugin, or a run's model, as a function of the tensors in a file");
  command
      ->add_option(
          "subject", options->what,
          "KIND/NAME of a plugin (backbone/unet), or RUN: id, unique prefix, name or @last")
      ->required();
  command
      ->add_option("--in", options->in,
                   "safetensors. Backbone: x; fusion: a, b, ...; regularizer: u, optional c; "
                   "head: x or a, b, ..., optional image; RUN: its inputs (image)")
      ->required();
  command->add_option("--out", options->out, "safetensors to write: the outputs by name")
      ->required();
  command->add_option("--set", options->set, "options of the plugin: width=8 layers=1,2,1");
  command->add_option("--weights", options->weights, "parameters and buffers by their names");
  command->add_option("--save-weights", options->save_weights,
                      "write the weights that were used, before a training pass changes them");
  command->add_flag("--grad", options->grad,
                    "add grad.<input> and grad.<parameter> of the sum of all outputs");
  command->add_flag("--train", options->train, "training mode; otherwise as in evaluation");
  command->add_option("--dtype", options->dtype, "f32, f64, or bf16 (autocast)")
      ->check(CLI::IsMember({"f32", "f64", "bf16"}));
  command->add_option("--seed", options->seed, "of a plugin's initial weights, and of dropout");
  command->add_option("--checkpoint", options->checkpoint, "of a run: best or last")
      ->check(CLI::IsMember({"best", "last"}));
  command->add_option("--device", options->device, "cpu, auto, cuda or cuda:N")
      ->check(CLI::Validator(check_device, "", "device"));
  command->add_flag("--json", options->json, "one JSON document");
  command->callback([options] { forward(*options); });
}

}  // namespace hilum::cli
