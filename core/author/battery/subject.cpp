// SPDX-License-Identifier: Apache-2.0
#include "subject.hpp"

#include <torch/torch.h>

#include "tests/parts/kit.hpp"

namespace hilum::contract {
namespace {
constexpr int64_t kChannels = 6;  // of features that fusions and heads are given

Size with(std::vector<int64_t> front, const Size& size) {
  front.insert(front.end(), size.begin(), size.end());
  return front;
}

Shape one(const Tensor& t) {
  Shape shape(t.sizes().begin(), t.sizes().end());
  shape[0] = 1;
  return shape;
}

Tensors floats(Tensors all) {
  std::erase_if(all, [](const Tensor& t) { return !t.is_floating_point(); });
  return all;
}

// Fixed, of any sign, and different everywhere.
Tensor weighted_sum(const Tensor& t) {
  const auto weights =
      torch::arange(t.numel(), torch::TensorOptions(t.device()).dtype(torch::kDouble))
          .mul(0.7)
          .cos();
  return (t * weights.to(t.scalar_type()).view_as(t)).sum();
}

Tensor weighted_sums(const Tensors& all) {
  Tensor sum = torch::zeros({}, all.at(0).options());
  for (const auto& t : all) sum = sum + weighted_sum(t);
  return sum;
}

// The stages of a Graph, one after the other, without the core's assembler.
struct Chain : torch::nn::Module {
  struct Link {
    Block block;
    std::vector<size_t> reads;  // inputs first, then stages
    bool read = false;
  };

  Chain(const Plugin& plugin, const Values& options, const Setting& setting) {
    Graph graph;
    plugin.build(options, graph);
    const int64_t channels = image_channels(plugin, options);
    for (const auto& stage : graph.stages())
      for (const auto& ref : stage.inputs)
        if (ref.name().starts_with("input.") && !place.count(ref.name())) {
          place.emplace(ref.name(), examples.size());
          examples.push_back(torch::rand(with({setting.batch, channels}, setting.size)));
        }
    const torch::NoGradGuard no_grad;
    Tensors values;
    for (const auto& x : examples) values.push_back(torch::zeros(c10::IntArrayRef(one(x))));
    for (const auto& stage : graph.stages()) add(stage, values);
  }

  static int64_t image_channels(const Plugin& plugin, const Values& options) {
    if (const auto set = options.find("in_channels"); set != options.end())
      return std::max<int64_t>(1, std::get<int64_t>(set->second.data));
    for (const auto& p : plugin.parameters)
      if (p.name == "in_channels") return std::max<int64_t>(1, std::get<int64_t>(p.fallback));
    return 1;
  }

  void add(const Stage& stage, Tensors& values) {
    Link link;
    Site site{.in = {}, .image = one(values[0])};
    Tensors in;
    for (const auto& ref : stage.inputs) {
      link.reads.push_back(place.at(ref.name()));
      in.push_back(values[link.reads.back()]);
      site.in.push_back(one(in.back()));
      if (link.reads.back() >= examples.size())
        links[link.reads.back() - examples.size()].read = true;
    }
    link.block = stage.make(site);
    register_module(stage.name, link.block.module);
    link.block.module->eval();
    values.push_back(link.block.forward(in));
    link.block.module->train();
    place.emplace(stage.name, values.size() - 1);
    links.push_back(std::move(link));
  }

  Tensors stages(const Tensors& inputs, bool ends_only) const {
    Tensors values = inputs, out;
    for (const auto& link : links) {
      Tensors in;
      for (const auto i : link.reads) in.push_back(values[i]);
      values.push_back(link.block.forward(std::move(in)));
      if (!ends_only || !link.read) out.push_back(values.back());
    }
    return out;
  }

  std::map<std::string, size_t> place;
  Tensors examples;
  std::vector<Link> links;
};

Subject backbone(const Plugin& plugin, const Values& options, const Setting& setting) {
  auto chain = std::make_shared<Chain>(plugin, options, setting);
  auto* c = chain.get();
  return {.module = chain,
          .run = [c](const Tensors& in) { return c->stages(in, false); },
          .loss = [c](const Tensors& in) { return weighted_sums(c->stages(in, true)); },
          .inputs = c->examples,
          .learns_from = c->examples.size()};
}

Site site_of(const Tensors& inputs) {
  Site site{.in = {}, .image = one(inputs[0])};
  for (const auto& t : inputs) site.in.push_back(one(t));
  return site;
}

Subject fusion(const Plugin& plugin, const Values& options, const Setting& setting) {
  const auto feature = [&] { return torch::randn(with({setting.batch, kChannels}, setting.size)); };
  Subject s{.inputs = {feature(), feature()}, .learns_from = 2};
  s.module = plugin.make(options, site_of(s.inputs));
  auto* f = dynamic_cast<Fusion*>(s.module.get());
  s.run = [f](const Tensors& in) { return Tensors{f->forward(in)}; };
  s.loss = [f](const Tensors& in) { return weighted_sum(f->forward(in)); };
  return s;
}

Subject regularizer(const Plugin& plugin, const Values& options, const Setting& setting) {
  Subject s{.inputs = {2 * torch::randn(with({setting.batch, 1}, setting.size))}, .learns_from = 1};
  if (setting.guided) s.inputs.push_back(torch::rand({setting.batch, 1}));
  s.module = plugin.make(options, site_of(s.inputs));
  auto* r = dynamic_cast<Regularizer*>(s.module.get());
  s.run = [r](const Tensors& in) {
    return Tensors{r->forward(in[0], in.size() > 1 ? in[1] : Tensor())};
  };
  s.loss = [run = s.run](const Tensors& in) { return weighted_sums(run(in)); };
  return s;
}

Subject head(const Plugin& plugin, const Values& options, const Setting& setting) {
  Subject s{.inputs = {torch::randn(with({setting.batch, kChannels}, setting.size))},
            .learns_from = 1};
  s.module = plugin.make(options, site_of(s.inputs));
  auto* h = dynamic_cast<Head*>(s.module.get());
  auto columns = targets(*h, {}, 8);
  columns.erase("mask"), columns.erase("nodule_present");
  h->see_targets(columns);
  const auto outputs = [h](const Tensors& in) {
    Named all = h->forward(in);
    for (auto& [name, t] : h->predict(all)) all[name] = t;
    return all;
  };
  s.run = [outputs](const Tensors& in) {
    Tensors list;
    for (const auto& [name, t] : outputs(in)) list.push_back(t);
    return floats(list);
  };
  s.loss = [=, size = setting.size](const Tensors& in) {
    Named batch = targets(*h, size, in[0].size(0));
    for (auto& [name, t] : batch) t = t.to(in[0].options());
    Tensor sum = torch::zeros({}, in[0].options());
    for (const auto& [name, term] : h->loss(outputs(in), batch)) sum = sum + term;
    return sum;
  };
  return s;
}
}  // namespace

plugins::Loader& loader() {
  static auto* const all = [] {
    kit::use_parts();
    return new plugins::Loader();  // never unloaded, as in the program
  }();
  return *all;
}

Strings addresses() {
  Strings all;
  for (const auto& entry : loader().catalog().entries()) all.push_back(entry.address());
  return all;
}

Strings of_kind(const std::string& kind) {
  Strings all = addresses();
  std::erase_if(all, [&](const std::string& a) { return !a.starts_with(kind + "/"); });
  return all;
}

const Plugin& plugin(const std::string& address) {
  const auto slash = address.find('/');
  return loader().load(address.substr(0, slash), address.substr(slash + 1));
}

namespace {
void lower(const Plugin& plugin, const std::string& name, int64_t value, Values& values) {
  for (const auto& p : plugin.parameters)
    if (p.name == name && std::holds_alternative<int64_t>(p.fallback) &&
        std::get<int64_t>(p.fallback) > value)
      values[name] = {std::max(value, static_cast<int64_t>(p.low)), "test"};
}
}  // namespace

Values narrow(const Plugin& plugin) {
  Values values;
  lower(plugin, "width", 4, values);
  return values;
}

Values small(const Plugin& plugin) {
  Values values = narrow(plugin);
  lower(plugin, "depth", 3, values);
  for (const auto& p : plugin.parameters)
    if (const auto* blocks = std::get_if<std::vector<int64_t>>(&p.fallback);
        blocks && p.name == "layers")
      values[p.name] = {std::vector<int64_t>(blocks->size(), 1), "test"};
  return values;
}

Subject make(const Plugin& plugin, const Values& options, const Setting& setting) {
  torch::manual_seed(setting.seed);
  Subject s = plugin.kind == "backbone"      ? backbone(plugin, options, setting)
              : plugin.kind == "fusion"      ? fusion(plugin, options, setting)
              : plugin.kind == "regularizer" ? regularizer(plugin, options, setting)
                                             : head(plugin, options, setting);
  s.module->train();
  return s;
}

Named targets(const Head& head, const Size& size, int64_t batch, bool known) {
  const auto steps = torch::arange(batch, torch::kFloat).unsqueeze(1);
  // Half of the region: the same in 2D and 3D.
  Tensor mask = torch::zeros(with({batch, 1}, size));
  if (!size.empty()) mask.narrow(2, 0, (size[0] + 1) / 2).fill_(1);
  Named all{{"mask", mask},
            {"nodule_present", steps.remainder(2)},
            {"image", torch::rand(with({batch, 1}, size))}};
  for (const auto& output : head.outputs()) {
    if (output.target == "mask" || output.target == "nodule_present") continue;
    const bool classes = output.kind == OutputKind::binary || output.kind == OutputKind::multilabel;
    all[output.target] = classes ? steps.remainder(2) : 1 + steps.remainder(5);
    if (!known) all[output.target].fill_(std::numeric_limits<float>::quiet_NaN());
  }
  return all;
}

int64_t smallest(const Plugin& plugin, const Values& options, int64_t dims) {
  const torch::NoGradGuard no_grad;
  for (int64_t side = 1; side < 64; side *= 2) try {
      Subject s =
          make(plugin, options, {.size = Size(static_cast<size_t>(dims), side), .batch = 1});
      s.module->eval();
      s.run(s.inputs);
      return side;
    } catch (const std::exception&) {  // too small: a pooling or a convolution says so
    }
  return 64;
}

}  // namespace hilum::contract
