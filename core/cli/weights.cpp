// SPDX-License-Identifier: Apache-2.0
// hilum weights export, hilum weights import
#include <fmt/core.h>
#include <torch/torch.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/cli/commands.hpp"
#include "core/model/alone.hpp"
#include "core/model/published.hpp"
#include "core/model/safetensors.hpp"
#include "core/model/weight_file.hpp"
#include "core/plugins/registry.hpp"
#include "core/runs/queries.hpp"
#include "core/train/checkpoint.hpp"
#include "core/train/session.hpp"

namespace hilum::cli {
namespace {
namespace fs = std::filesystem;
using Weights = std::map<std::string, Tensor>;

// ---- what both need

std::string prefix_of(const std::string& part) { return part.empty() ? "" : part + "."; }

// The tensors of one part; an unknown part is an error with the nearest.
Weights of_part(const Weights& all, const std::string& part) {
  Weights chosen;
  Strings parts;
  for (const auto& [name, tensor] : all) {
    if (name.starts_with(prefix_of(part))) chosen.emplace(name, tensor);
    const auto first = name.find('.'), second = name.find('.', first + 1);
    const bool core = name.starts_with("head.") || name.starts_with("fusion.") ||
                      name.starts_with("regularizer.");
    const std::string known = name.substr(0, core ? second : first);
    if (parts.empty() || parts.back() != known) parts.push_back(known);
  }
  if (chosen.empty())
    throw Error("--part: no part '" + part + "' with weights." + suggestion(part, parts),
                Fault::request);
  return chosen;
}

model::KeyMap read_map(const std::string& file) {
  return file.empty() ? model::KeyMap{} : model::KeyMap::read(file);
}

// An experiment's model, without a device or data.
struct Assembled {
  std::shared_ptr<plugins::Loader> plugins;  // goes last
  std::shared_ptr<model::Model> model;
};
Assembled assemble(const std::string& file, const Strings& overrides) {
  const auto [experiment, plugins] =
      train::read_experiment(config::Document::load(file, overrides));
  return {plugins, model::assemble(experiment, *plugins, train::input_shapes(experiment))};
}

// ---- export

struct Export {
  std::string run, out, checkpoint = "best", part, names, map;
};

void export_weights(const Export& options) {
  const auto run = runs::Reader().show(options.run);
  const auto file = train::checkpoint_file(run.folder, options.checkpoint);
  if (!fs::exists(file))
    throw Error("run " + run.id + " (" + run.status + ") has no checkpoint yet", Fault::request);
  Weights weights = of_part(train::Checkpoint::load(file).weights(), options.part);
  const bool published = options.names.empty() ? !options.map.empty() : options.names != "own";
  if (published) {
    const auto aliases = assemble((run.folder / "config.toml").string(), {}).model->aliases();
    const auto map = read_map(options.map);
    weights = model::publish(weights, map.over(aliases, prefix_of(options.part)), map);
  }
  model::write_safetensors(options.out, weights);
  fmt::print("{} tensors of run {} ({}) in {}\n", weights.size(), run.id, file.filename().string(),
             options.out);
}

// ---- import

struct Import {
  std::string file, to, part, map, out, image = "1,64,64";
  Strings set;
  bool partial = false, json = false;
};

// What the weights are for.
struct Target {
  std::shared_ptr<torch::nn::Module> module;
  model::Prefixes aliases;
};

// "1,64,64" as zeros [1,1,64,64].
Tensor image(const std::string& text) {
  std::vector<int64_t> sizes{1};
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    const bool number = !word.empty() && word.size() < 5 &&
                        word.find_first_not_of("0123456789") == std::string::npos;
    sizes.push_back(number ? std::stoll(word) : 0);
    begin = end + 1;
  }
  if (sizes.size() < 4 || sizes.size() > 5 ||
      std::find(sizes.begin(), sizes.end(), 0) != sizes.end())
    throw Error(
        "--image: value '" + text + "', allowed channels and size: 1,64,64 in 2D, 1,32,64,64 in 3D",
        Fault::request);
  return torch::zeros(sizes);
}

Target lone_backbone(const Import& options) {
  const auto slash = options.to.find('/');
  const std::string kind = options.to.substr(0, slash), name = options.to.substr(slash + 1);
  const auto& kinds = plugins::kinds();
  if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end())
    throw Error(
        "--to: '" + options.to + "' is neither a file nor KIND/NAME." + suggestion(kind, kinds),
        Fault::request);
  if (kind != "backbone" || !options.part.empty())
    throw Error("--to " + options.to + (kind != "backbone" ? "" : " --part " + options.part) +
                    ": only a whole backbone stands alone. Name an experiment, and the part with "
                    "--part: --to EXPERIMENT.toml --part " +
                    kind + ".NAME",
                Fault::request);
  std::vector<std::pair<std::string, std::string>> texts;
  for (const auto& text : options.set) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Error("--set " + text + ": this sets nothing. Write --set option=value",
                  Fault::request);
    texts.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  struct Parts {  // in this order: the plugin's code goes last
    plugins::Loader loader;
    std::unique_ptr<model::Alone> alone;
  };
  auto parts = std::make_shared<Parts>();
  const Plugin& plugin = parts->loader.load(kind, name);
  parts->alone = std::make_unique<model::Alone>(plugin, model::options_of(plugin, texts, "--set "),
                                                Named{{"x", image(options.image)}});
  return {{parts, &parts->alone->module()}, parts->alone->aliases()};
}

Target target(const Import& options) {
  if (options.to.find('/') != std::string::npos && !fs::exists(options.to) &&
      !options.to.ends_with(".toml"))
    return lone_backbone(options);
  auto whole = std::make_shared<Assembled>(assemble(options.to, options.set));
  return {{whole, whole->model.get()}, whole->model->aliases()};
}

void print(const Import& options, const model::LoadReport& report, size_t matched) {
  fmt::print("{} -> {}{}\n", options.file, options.to,
             options.part.empty() ? "" : ", part " + options.part);
  const std::pair<const char*, const Strings*> lists[] = {{"adapted", &report.adapted},
                                                          {"missing", &report.missing},
                                                          {"of another shape", &report.mismatched},
                                                          {"left over", &report.left_over}};
  fmt::print("  {:<17}{:>5}\n", "matched", matched);
  for (const auto& [what, names] : lists) fmt::print("  {:<17}{:>5}\n", what, names->size());
  for (const auto& [what, names] : lists) {
    if (names->empty()) continue;
    fmt::print("{}:\n", what);
    for (const auto& name : *names) fmt::print("  {}\n", name);
  }
  if (!report.counters.empty())
    fmt::print(
        "{} counters of batch norms (num_batches_tracked) are not in it, as in files before 2018; "
        "they are 0\n",
        report.counters.size());
}

void print_json(const Import& options, const model::LoadReport& report, bool written) {
  nlohmann::ordered_json out{{"file", options.file},          {"to", options.to},
                             {"part", options.part},          {"loaded", report.loaded},
                             {"adapted", report.adapted},     {"counters", report.counters},
                             {"missing", report.missing},     {"mismatched", report.mismatched},
                             {"left_over", report.left_over}, {"written", nullptr}};
  if (written) out["written"] = options.out;
  fmt::print("{}\n", out.dump(2));
}

void import_weights(const Import& options) {
  if (!fs::exists(options.file)) throw Error(options.file + ": no such file", Fault::request);
  const auto map = read_map(options.map);
  const auto there = model::read_weight_file(options.file);
  const auto [module, aliases] = target(options);
  const std::string prefix = prefix_of(options.part);
  Weights own = of_part(model::state(*module), options.part);
  auto report = model::load_published(*module, map.over(aliases, prefix), there, prefix);
  std::erase_if(report.left_over, [&](const auto& name) { return map.drops(name); });
  const size_t lacking = report.missing.size() + report.mismatched.size();
  const bool writes = !report.loaded.empty() && (lacking == 0 || options.partial);
  if (writes) {
    Strings kept = report.loaded;
    kept.insert(kept.end(), report.counters.begin(), report.counters.end());
    std::sort(kept.begin(), kept.end());
    std::erase_if(own, [&](const auto& item) {
      return !std::binary_search(kept.begin(), kept.end(), item.first);
    });
    model::write_safetensors(options.out, own);
  }
  if (options.json)
    print_json(options, report, writes);
  else
    print(options, report, report.loaded.size() - report.adapted.size());
  if (!writes)
    throw Error(
        fmt::format("{}: {} of {} tensors of {} are missing or of another shape; nothing "
                    "was written{}",
                    options.file, lacking, own.size(), options.to,
                    report.loaded.empty() ? ". No name fits: is a key map needed (--map)?"
                                          : ". --partial writes the others"));
  if (!options.json) fmt::print("{} tensors in {}\n", own.size(), options.out);
}

void add_export(CLI::App& weights) {
  auto options = std::make_shared<Export>();
  auto* command = weights.add_subcommand(
      "export", "write parameters and buffers by their full names as safetensors");
  command->add_option("run", options->run, "id, unique prefix of one, name (its newest) or @last")
      ->required();
  command->add_option("-o,--out", options->out, "the file to write (.safetensors)")->required();
  command
      ->add_option("--checkpoint", options->checkpoint,
                   "best (the last one where there was no validation) or last")
      ->check(CLI::IsMember({"best", "last"}));
  command->add_option("--part", options->part, "one part: a backbone 'cls', 'head.mask', ...");
  command
      ->add_option("--names", options->names,
                   "own (the default), or published: as torchvision or others call them")
      ->check(CLI::IsMember({"own", "published"}));
  command->add_option("--map", options->map, "key map (TOML) of published names");
  command->callback([options] { export_weights(*options); });
}

void add_import(CLI::App& weights) {
  auto options = std::make_shared<Import>();
  auto* command = weights.add_subcommand(
      "import", "bring weights of torchvision, PyTorch or others to our names, with a report");
  command
      ->add_option("file", options->file, "safetensors, or a state dict that PyTorch saved (.pth)")
      ->required();
  command
      ->add_option("--to", options->to,
                   "what they are for: backbone/NAME, or an experiment file (TOML)")
      ->required();
  command->add_option("--part", options->part,
                      "one part of the experiment: a backbone 'cls', 'head.mask', ...");
  command->add_option("--set", options->set,
                      "option=value of the backbone, or an override of the experiment");
  command->add_option("--image", options->image,
                      "for backbone/NAME: channels and size, such as 1,64,64 or 1,32,64,64");
  command->add_option("--map", options->map, "key map (TOML) where names do not fit by themselves");
  command->add_option("-o,--out", options->out, "the file to write (.safetensors)")->required();
  command->add_flag("--partial", options->partial,
                    "write what fits even where tensors are missing or of another shape");
  command->add_flag("--json", options->json, "one JSON document");
  command->callback([options] { import_weights(*options); });
}

}  // namespace

void add_weights(CLI::App& app) {
  auto* weights = app.add_subcommand("weights", "weights as files, in our names and in others'");
  weights->require_subcommand(1);
  add_export(*weights);
  add_import(*weights);
}

}  // namespace hilum::cli
