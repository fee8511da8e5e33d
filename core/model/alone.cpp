// SPDX-License-Identifier: Apache-2.0
#include "core/model/alone.hpp"

#include <c10/util/Exception.h>
#include <fmt/core.h>
#include <torch/torch.h>

#include <algorithm>

#include "core/config/toml.hpp"
#include "core/model/autocast.hpp"
#include "core/model/make.hpp"

namespace hilum::model {
namespace {

std::string title(const Plugin& plugin) { return plugin.kind + " '" + plugin.name + "'"; }

std::string text(at::IntArrayRef sizes) {
  Strings words;
  for (const auto size : sizes) words.push_back(std::to_string(size));
  return "[" + join(words, ",") + "]";
}

Strings names_of(const Named& named) {
  Strings names;
  for (const auto& [name, tensor] : named) names.push_back(name);
  return names;
}

Shape one_sample(const Tensor& t) {
  Shape shape(t.sizes().begin(), t.sizes().end());
  if (!shape.empty()) shape[0] = 1;
  return shape;
}

Shape shape_of(const Tensor& t) { return Shape(t.sizes().begin(), t.sizes().end()); }

// Losses, regularizers and predictions never see half precision, as in a whole model.
Tensor full_precision(const Tensor& t) {
  return t.scalar_type() == at::kBFloat16 ? t.to(at::kFloat) : t;
}

// What the plugin reads, in order; a missing one is an error that names what is there.
struct Wanted {
  const Plugin* plugin;
  Strings needed, optional;

  void check(const Named& given) const {
    for (const auto& name : needed)
      if (!given.contains(name))
        throw Error(fmt::format("{}: the input '{}' is missing. It needs {}{}; given: {}",
                                title(*plugin), name, join(needed, ", "),
                                optional.empty() ? "" : ", may have " + join(optional, ", "),
                                given.empty() ? "nothing" : join(names_of(given), ", ")),
                    Fault::request);
    for (const auto& [name, tensor] : given)
      if (std::find(needed.begin(), needed.end(), name) == needed.end() &&
          std::find(optional.begin(), optional.end(), name) == optional.end())
        throw Error(fmt::format("{} has no input '{}'. It needs {}{}", title(*plugin), name,
                                join(needed, ", "),
                                optional.empty() ? "" : ", may have " + join(optional, ", ")),
                    Fault::request);
    for (const auto& [name, tensor] : given)  // else one sample would be broadcast to all
      if (tensor.dim() > 0 && tensor.size(0) != given.at(needed[0]).size(0))
        throw Error(fmt::format("{}: '{}' is {}, '{}' is {}; all inputs need as many samples",
                                title(*plugin), needed[0], text(given.at(needed[0]).sizes()), name,
                                text(tensor.sizes())),
                    Fault::request);
  }
  void check_rank(const Named& given, const std::string& name, int64_t least) const {
    const Tensor& t = given.at(name);
    if (t.dim() >= least && t.dim() <= 5 && t.dim() != 3 && t.numel() > 0) return;
    throw Error(fmt::format("{}: the input '{}' is {}, allowed {}[N,C,H,W] or [N,C,D,H,W], not "
                            "empty",
                            title(*plugin), name, text(t.sizes()), least < 4 ? "[N,F], " : ""),
                Fault::request);
  }
};

// "a", "b", "c", ... as far as they go without a gap, `least` at least.
Strings letters(const Named& given, size_t least) {
  Strings names;
  for (char letter = 'a'; letter <= 'w'; ++letter) {
    const std::string name(1, letter);
    if (names.size() >= least && !given.contains(name)) break;
    names.push_back(name);
  }
  return names;
}

Tensors take(const Named& inputs, const Strings& names) {
  Tensors all;
  for (const auto& name : names) all.push_back(inputs.at(name));
  return all;
}

// The stages of a graph by name, one after the other. Stages that nobody reads are built too.
struct Stages : torch::nn::Module {
  struct Link {
    std::string name;
    Block block;
    std::vector<size_t> reads;  // images first, then stages
  };

  Stages(const Graph& graph, const Strings& images, const Named& examples) {
    const torch::NoGradGuard no_grad;
    std::map<std::string, size_t> place;
    Tensors values;
    for (const auto& name : images) {
      place.emplace("input." + name, values.size());
      values.push_back(torch::zeros(c10::IntArrayRef(one_sample(examples.at(key(name))))));
    }
    for (const auto& stage : graph.stages()) {
      Link link{.name = stage.name, .block = {}, .reads = {}};
      Site site{.in = {}, .image = shape_of(values[0])};
      Tensors in;
      for (const auto& ref : stage.inputs) {
        link.reads.push_back(place.at(ref.name()));
        in.push_back(values[link.reads.back()]);
        site.in.push_back(shape_of(in.back()));
      }
      link.block = make_block(stage, site);
      register_module(stage.name, link.block.module);
      link.block.module->eval();  // one sample, 1x1 voxels: batch norm could not train on it
      place.emplace(stage.name, values.size());
      values.push_back(link.block.forward(std::move(in)));
      links.push_back(std::move(link));
    }
  }

  // A backbone's image is called "x".
  static std::string key(const std::string& image) { return image == "image" ? "x" : image; }

  Named forward(Tensors values) const {
    Named out;
    for (const auto& link : links) {
      Tensors in;
      for (const auto i : link.reads) in.push_back(values[i]);
      values.push_back(link.block.forward(std::move(in)));
      out[link.name] = values.back();
    }
    return out;
  }
  std::vector<Link> links;
};

// What the stages read of a sample, each once.
Strings images_of(const Graph& graph) {
  Strings images;
  for (const auto& stage : graph.stages())
    for (const auto& ref : stage.inputs)
      if (ref.name().starts_with("input.") &&
          std::find(images.begin(), images.end(), ref.name().substr(6)) == images.end())
        images.push_back(ref.name().substr(6));
  return images;
}

void validate(const Plugin& plugin, const Values& options) {
  Problems problems;
  plugin.validate(options, title(plugin), "", problems, {});
  throw_if_any(std::move(problems));
}

struct Built {
  std::shared_ptr<torch::nn::Module> module;
  std::function<Named(const Named&)> call;
  std::map<std::string, std::string> aliases;
};

Built backbone(const Plugin& plugin, const Values& options, const Named& examples) {
  Graph graph;
  plugin.build(options, graph);
  if (graph.stages().empty()) throw Error("its build() adds no stage", Fault::plugin);
  const Strings images = images_of(graph);
  Strings keys;
  for (const auto& name : images) keys.push_back(Stages::key(name));
  const Wanted wanted{&plugin, keys, {}};
  wanted.check(examples);
  for (const auto& name : keys) wanted.check_rank(examples, name, 4);
  auto stages = std::make_shared<Stages>(graph, images, examples);
  const auto* raw = stages.get();
  return {stages,
          [raw, wanted, keys](const Named& in) {
            wanted.check(in);
            return raw->forward(take(in, keys));
          },
          graph.aliases()};
}

Built fusion(const Plugin& plugin, const Values& options, const Named& examples) {
  const Wanted wanted{&plugin, letters(examples, 2), {}};
  wanted.check(examples);
  for (const auto& name : wanted.needed) wanted.check_rank(examples, name, 2);
  Site site{.in = {}, .image = one_sample(examples.at("a"))};
  for (const auto& t : take(examples, wanted.needed)) site.in.push_back(one_sample(t));
  auto part = make_part<Fusion>(plugin, options, site);
  if (!part->any_size())
    for (const auto& [name, t] : examples)
      if (t.sizes().slice(2) != examples.at("a").sizes().slice(2))
        throw Error(
            fmt::format("{}: sizes differ: 'a' is {}, '{}' is {}; this fusion needs the same "
                        "spatial size",
                        title(plugin), text(examples.at("a").sizes()), name, text(t.sizes())),
            Fault::request);
  auto* raw = part.get();
  return {part,
          [raw, wanted](const Named& in) {
            wanted.check(in);
            return Named{{"a", raw->forward(take(in, wanted.needed))}};
          },
          {}};
}

Built regularizer(const Plugin& plugin, const Values& options, const Named& examples) {
  const Wanted wanted{&plugin, {"u"}, {"c"}};
  wanted.check(examples);
  wanted.check_rank(examples, "u", 4);
  const int64_t samples = examples.at("u").size(0);
  const bool guided = examples.contains("c");
  if (guided && examples.at("c").numel() != samples)
    throw Error(fmt::format("{}: the guide 'c' is {}, allowed one value a sample: [{},1]",
                            title(plugin), text(examples.at("c").sizes()), samples),
                Fault::request);
  Site site{.in = {one_sample(examples.at("u"))}, .image = one_sample(examples.at("u"))};
  if (guided) site.in.push_back({1, 1});
  auto part = make_part<Regularizer>(plugin, options, site);
  auto* raw = part.get();
  return {part,
          [raw, wanted](const Named& in) {
            wanted.check(in);
            const Autocast off(false);
            const auto c = in.find("c");
            const Tensor guide =
                c == in.end() ? Tensor() : full_precision(c->second).detach().reshape({-1, 1});
            return Named{{"z", raw->forward(full_precision(in.at("u")), guide)}};
          },
          {}};
}

Built head(const Plugin& plugin, const Values& options, const Named& examples) {
  Wanted wanted{&plugin, examples.contains("a") ? letters(examples, 1) : Strings{"x"}, {"image"}};
  const Strings features = wanted.needed;
  wanted.check(examples);
  for (const auto& name : features) wanted.check_rank(examples, name, 2);
  if (examples.contains("image")) wanted.check_rank(examples, "image", 4);
  Site site;
  for (const auto& t : take(examples, features)) site.in.push_back(one_sample(t));
  site.image = examples.contains("image") ? one_sample(examples.at("image")) : site.in[0];
  // Features without space, [N,F]: of a 2D image, of which nothing else is known.
  if (site.image.size() < 4) site.image = {1, 1, 1, 1};
  auto part = make_part<Head>(plugin, options, site);
  const bool image = part->reads_image();
  if (image) wanted.needed.emplace_back("image"), wanted.optional.clear();
  wanted.check(examples);
  auto* raw = part.get();
  return {part,
          [raw, wanted, features, image](const Named& in) {
            wanted.check(in);
            Tensors given = take(in, features);
            if (image) given.push_back(in.at("image"));
            Named out = raw->forward(given);
            const Autocast off(false);
            for (auto& [name, t] : out) t = full_precision(t);
            for (auto& [name, t] : raw->predict(out)) out[name] = t;
            return out;
          },
          {}};
}

Built build(const Plugin& plugin, const Values& options, const Named& examples) {
  if (plugin.kind == "backbone") return backbone(plugin, options, examples);
  if (plugin.kind == "fusion") return fusion(plugin, options, examples);
  if (plugin.kind == "regularizer") return regularizer(plugin, options, examples);
  return head(plugin, options, examples);
}

template <class Work>
void each_part(torch::nn::Module& module, Work work) {
  for (const auto& item : module.named_modules("", true))
    if (auto* part = dynamic_cast<Part*>(item.value().get())) work(item.key(), *part);
}

}  // namespace

Alone::Alone(const Plugin& plugin, const Values& options, const Named& examples) {
  validate(plugin, options);
  try {
    Built built = build(plugin, options, examples);
    module_ = std::move(built.module), call_ = std::move(built.call);
    aliases_ = std::move(built.aliases);
  } catch (const Error& error) {  // a plugin's own words do not say whose they are
    const std::string what = error.what();
    throw Error(what.starts_with(title(plugin)) ? what : title(plugin) + ": " + what,
                error.fault == Fault::plugin ? Fault::plugin : Fault::request);
  } catch (const c10::Error& error) {
    throw Error(title(plugin) + ": " + error.what_without_backtrace(), Fault::request);
  }
  module_->train();
}

Named Alone::forward(const Named& inputs) { return call_(inputs); }

Named Alone::take_logs() { return model::take_logs(*module_); }

void Alone::keep_graph(bool on) { model::keep_graph(*module_, on); }

Named take_logs(torch::nn::Module& module) {
  Named all;
  each_part(module, [&](const std::string& path, Part& part) {
    for (auto& [name, value] : part.take_logs())
      all[path.empty() ? name : path + "." + name] = value;
  });
  return all;
}

void keep_graph(torch::nn::Module& module, bool on) {
  each_part(module, [&](const std::string&, Part& part) { part.keep_graph(on); });
}

Named inputs_of(const Plugin& plugin, const Values& options, const Named& given) {
  Strings names{"x", "image"};  // a head
  if (plugin.kind == "regularizer") names = {"u", "c"};
  if (plugin.kind == "backbone") {
    validate(plugin, options);
    Graph graph;
    plugin.build(options, graph);
    names = images_of(graph);
    for (auto& name : names) name = Stages::key(name);
  }
  const bool letters = plugin.kind == "fusion" || (plugin.kind == "head" && given.contains("a"));
  Named read;
  for (const auto& [name, tensor] : given)
    if ((letters && name.size() == 1 && name[0] >= 'a' && name[0] <= 'w') ||
        std::find(names.begin(), names.end(), name) != names.end())
      read[name] = tensor;
  if (letters) read.erase("x");
  return read;
}

namespace {

// Of a list without its brackets, and of text that looks like a number.
Data value_of(const std::string& text, const Data& type) {
  const bool list = type.index() > Data(std::string()).index();
  const auto node =
      config::parse_argument(list && !text.starts_with('[') ? "[" + text + "]" : text);
  if (!node.data) return text;
  if (std::holds_alternative<std::string>(type) && !std::holds_alternative<std::string>(*node.data))
    return text;
  // [1, 2] for a list of strings: words that happen to be numbers.
  if (std::holds_alternative<Strings>(type))
    if (const auto* numbers = std::get_if<std::vector<int64_t>>(&*node.data)) {
      Strings words;
      for (const auto n : *numbers) words.push_back(std::to_string(n));
      return words;
    }
  return *node.data;
}

}  // namespace

Values options_of(const Plugin& plugin,
                  const std::vector<std::pair<std::string, std::string>>& texts,
                  const std::string& where) {
  Values values;
  for (const auto& [name, text] : texts) {
    const auto parameter =
        std::find_if(plugin.parameters.begin(), plugin.parameters.end(),
                     [&, &name = name](const Parameter& p) { return p.name == name; });
    const Data type = parameter == plugin.parameters.end() ? Data(false) : parameter->fallback;
    values[name] = {value_of(text, type), where + name + "=" + text};
  }
  return values;
}

}  // namespace hilum::model
