// SPDX-License-Identifier: Apache-2.0
#include "core/author/battery/subject.hpp"

#include <torch/torch.h>

#include "core/model/autocast.hpp"
#include "core/model/make.hpp"

namespace hilum::author {
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
    link.block = model::make_block(stage, site);
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

// Built for the subject's inputs; the subject owns it.
template <class Kind>
Kind* made(const Plugin& plugin, const Values& options, Subject& s, const Size& image = {}) {
  Site site = site_of(s.inputs);
  if (!image.empty()) site.image = one(torch::empty(with({1, 1}, image)));
  s.module = plugin.make(options, site);
  if (auto* part = dynamic_cast<Kind*>(s.module.get())) return part;
  throw Error(plugin.kind + " '" + plugin.name + "': its factory returned " +
                  (s.module ? "a part of another kind" : "nothing"),
              Fault::plugin);
}

Subject fusion(const Plugin& plugin, const Values& options, const Setting& setting) {
  const auto feature = [&](int64_t channels, const Size& size) {
    return torch::randn(with({setting.batch, channels}, size));
  };
  Subject s{
      .inputs = {feature(kChannels, setting.size),
                 feature(setting.second, setting.other.empty() ? setting.size : setting.other)},
      .learns_from = 2};
  auto* f = made<Fusion>(plugin, options, s);
  s.run = [f](const Tensors& in) { return Tensors{f->forward(in)}; };
  s.loss = [f](const Tensors& in) { return weighted_sum(f->forward(in)); };
  return s;
}

Subject regularizer(const Plugin& plugin, const Values& options, const Setting& setting) {
  Subject s{.inputs = {2 * torch::randn(with({setting.batch, 1}, setting.size))}, .learns_from = 1};
  if (setting.guided) s.inputs.push_back(torch::rand({setting.batch, 1}));
  auto* r = made<Regularizer>(plugin, options, s);
  s.run = [r](const Tensors& in) {
    return Tensors{r->forward(in[0], in.size() > 1 ? in[1] : Tensor())};
  };
  s.loss = [r, run = s.run](const Tensors& in) {
    const Tensor z = run(in)[0];
    Tensor sum = weighted_sum(z);
    for (const auto& [name, term] : r->loss(z)) sum = sum + term;  // a penalty of its own
    return sum;
  };
  return s;
}

Subject head(const Plugin& plugin, const Values& options, const Setting& setting) {
  Subject s{.inputs = {torch::randn(with({setting.batch, kChannels}, setting.size))},
            .learns_from = 1};
  auto* h = made<Head>(plugin, options, s, setting.other);
  auto columns = targets(*h, {}, 8);
  columns.erase("mask"), columns.erase("nodule_present");
  h->see_targets(columns);
  const bool sees = h->reads_image() && !setting.other.empty();
  const Tensor image = sees ? torch::rand(with({setting.batch, 1}, setting.other)) : Tensor();
  // As in a model: what follows the logits is computed in full precision.
  const auto outputs = [h, image](Tensors in) {
    if (image.defined()) in.push_back(image.to(in[0].options()));
    Named all = h->forward(in);
    const model::Autocast off(false);
    if (in[0].scalar_type() == torch::kBFloat16 || in[0].scalar_type() == torch::kFloat)
      for (auto& [name, t] : all)
        if (t.is_floating_point()) t = t.to(torch::kFloat);
    for (auto& [name, t] : h->predict(all)) all[name] = t;
    return all;
  };
  s.run = [outputs](const Tensors& in) {
    Tensors list;
    for (const auto& [name, t] : outputs(in)) list.push_back(t);
    return floats(list);
  };
  s.loss = [=, size = sees ? setting.other : setting.size](const Tensors& in) {
    Named batch = targets(*h, size, in[0].size(0));
    for (auto& [name, t] : batch) t = t.to(in[0].options());
    Tensor sum = torch::zeros({}, in[0].options());
    for (const auto& [name, term] : h->loss(outputs(in), batch)) sum = sum + term;
    return sum;
  };
  return s;
}
}  // namespace

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

}  // namespace hilum::author
