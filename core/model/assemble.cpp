// SPDX-License-Identifier: Apache-2.0
#include <c10/util/Exception.h>
#include <fmt/core.h>
#include <torch/torch.h>

#include "core/model/count.hpp"
#include "core/model/make.hpp"
#include "core/model/model.hpp"

namespace hilum::model {
namespace {

std::string text(const Shape& shape) {
  Strings sizes;
  for (const auto size : shape) sizes.push_back(std::to_string(size));
  return "[" + join(sizes, ",") + "]";
}

Shape shape_of(const Tensor& t) { return Shape(t.sizes().begin(), t.sizes().end()); }

// FNV-1a: the same on every machine, unlike std::hash.
uint64_t name_hash(const std::string& name) {
  uint64_t hash = 1469598103934665603ULL;
  for (const unsigned char c : name) hash = (hash ^ c) * 1099511628211ULL;
  return hash;
}

Tensor zeros(const Shape& shape) { return torch::zeros(c10::IntArrayRef(shape)); }

}  // namespace

class Assembler {
 public:
  Assembler(const config::Experiment& e, plugins::Loader& plugins, const InputShapes& inputs)
      : e_(e), plugins_(plugins), inputs_(inputs), model_(std::make_shared<Model>()) {}

  std::shared_ptr<Model> build() {
    const torch::NoGradGuard no_grad;
    for (const auto& backbone : e_.backbones) graphs_.push_back(graph(backbone));
    Wiring wiring = wire(e_, graphs_, [this](size_t b, int64_t stride, const std::string& where) {
      return stage_at_stride(b, stride, where);
    });
    model_->unread_ = std::move(wiring.unread);
    const auto count = wiring.ops.size();
    model_->ops_.reserve(count);
    features_.resize(count), images_.resize(count), image_ops_.resize(count);
    model_->calls_.resize(count), model_->head_of_.resize(count);
    for (auto& op : wiring.ops) add(std::move(op));
    model_->train();
    return model_;
  }

 private:
  Graph graph(const config::Backbone& backbone) {
    Graph graph;
    guarded(backbone, "",
            [&] { plugins_.load("backbone", backbone.plugin).build(backbone.options, graph); });
    return graph;
  }

  // Runs `work`; whatever it throws becomes a sentence that starts with where the part was written.
  template <class Work>
  void guarded(const config::Part& part, const std::string& reads, Work work) {
    std::string what;
    Fault fault = Fault::request;
    try {
      work();
      return;
    } catch (const Error& error) {
      what = error.what(), fault = error.fault == Fault::plugin ? Fault::plugin : Fault::request;
    } catch (const c10::Error& error) {
      what = error.what_without_backtrace();
    } catch (const std::exception& error) {
      what = error.what();
    }
    throw Error(fmt::format("{}: {} '{}' ({}){}: {}", part.where, part.kind, part.name, part.plugin,
                            reads.empty() ? "" : ", " + reads, what),
                fault);
  }

  void add(Op op) {
    const auto i = model_->ops_.size();
    const auto first = op.reads.empty() ? i : static_cast<size_t>(op.reads[0].op);
    images_[i] = images_[first];
    image_ops_[i] = op.reads.empty() ? static_cast<int>(i) : image_ops_[first];
    model_->ops_.push_back({.op = std::move(op)});
    auto& info = model_->ops_.back();
    switch (info.op.kind) {
      case Op::Kind::input:
        return add_input(i, info);
      case Op::Kind::stage:
        return add_stage(i, info);
      case Op::Kind::fusion:
        return add_fusion(i, info);
      case Op::Kind::head:
        return add_head(i, info);
    }
  }

  void add_input(size_t i, OpInfo& info) {
    const auto found = inputs_.find(info.op.owner);
    if (found == inputs_.end()) {
      Strings known;
      for (const auto& [name, shape] : inputs_) known.push_back(name);
      throw Error(fmt::format("a backbone reads the input '{}', which the data does not have.{}",
                              info.op.owner, suggestion(info.op.owner, known)),
                  Fault::request);
    }
    features_[i] = zeros(found->second);
    info.shape = images_[i] = found->second;
  }

  void add_stage(size_t i, OpInfo& info) {
    const auto& backbone = e_.backbones[info.op.index];
    info.plugin = backbone.plugin;
    guarded(backbone, reads_text(info.op), [&] {
      seed(info.op.name);
      const Graph& graph = graphs_[info.op.index];
      const Stage& stage = graph.stages()[info.op.stage];
      if (const auto alias = graph.aliases().find(stage.name); alias != graph.aliases().end())
        model_->aliases_[info.op.name] = alias->second;
      Block block = make_block(stage, site(i));
      own(info.op.name, block.module);
      model_->calls_[i] = block.forward;
      measure(info, *block.module, [&] { features_[i] = block.forward(inputs_of(info.op)); });
      info.shape = shape_of(features_[i]);
    });
  }

  void add_fusion(size_t i, OpInfo& info) {
    const auto& fusion = e_.fusions[info.op.index];
    info.plugin = fusion.plugin;
    guarded(fusion, reads_text(info.op), [&] {
      seed(info.op.name);
      const Site at = site(i);
      auto part = make_part<Fusion>(plugins_.load("fusion", fusion.plugin), fusion.options, at);
      if (!part->any_size())
        for (size_t k = 1; k < at.in.size(); ++k)
          if (!std::equal(at.in[0].begin() + 2, at.in[0].end(), at.in[k].begin() + 2,
                          at.in[k].end()))
            throw Error(
                fmt::format(
                    "sizes differ: '{}' is {}, '{}' is {}; this fusion needs the same spatial size",
                    info.op.reads[0].address, text(at.in[0]), info.op.reads[k].address,
                    text(at.in[k])),
                Fault::request);
      own(info.op.name, part);
      model_->parts_.emplace_back(info.op.name, part);
      Fusion* raw = part.get();
      model_->calls_[i] = [raw](Tensors in) { return raw->forward(in); };
      measure(info, *part, [&] { features_[i] = part->forward(inputs_of(info.op)); });
      info.shape = shape_of(features_[i]);
    });
  }

  void add_head(size_t i, OpInfo& info) {
    const auto& head = e_.heads[info.op.index];
    info.plugin = head.plugin;
    Model::HeadSlot slot{.name = head.name, .weight = head.weight, .guide = info.op.guide};
    guarded(head, reads_text(info.op), [&] {
      seed(info.op.name);
      slot.head = make_part<Head>(plugins_.load("head", head.plugin), head.options, site(i));
      if (slot.head->reads_image())
        info.op.reads.push_back({image_ops_[i], "", "input.image", false});
      own(info.op.name, slot.head);
      model_->parts_.emplace_back(info.op.name, slot.head);
    });
    if (head.regularizer) add_regularizer(i, info, *head.regularizer, slot);
    model_->head_of_[i] = model_->heads_.size();
    model_->heads_.push_back(slot);
    guarded(head, reads_text(info.op), [&] {
      measure(info, *slot.head,
              [&] { model_->run_head(info, inputs_of(info.op), outputs_, false); });
      const auto& named = outputs_.at(head.name);
      if (named.empty()) throw Error("its forward() returned nothing", Fault::plugin);
      const auto logits = named.find("logits");
      info.shape = shape_of(logits != named.end() ? logits->second : named.begin()->second);
    });
  }

  void add_regularizer(size_t i, const OpInfo& info, const config::Regularizer& spec,
                       Model::HeadSlot& slot) {
    guarded(spec, "", [&] {
      const std::string name = "regularizer." + slot.name;
      slot.head->eval();
      Site at{.in = {shape_of(slot.head->forward(inputs_of(info.op)).at("logits"))},
              .image = images_[i]};
      if (slot.guide >= 0) at.in.push_back({1, 1});
      seed(name);
      slot.regularizer =
          make_part<Regularizer>(plugins_.load("regularizer", spec.plugin), spec.options, at);
      slot.regularizer->eval();
      own(name, slot.regularizer);
      model_->parts_.emplace_back(name, slot.regularizer);
    });
  }

  template <class Work>
  static void measure(OpInfo& info, torch::nn::Module& module, Work work) {
    module.eval();
    const Counts counts = count(work);
    info.macs = counts.macs, info.activation_bytes = counts.bytes;
    for (const auto& p : module.parameters()) info.parameters += p.numel();
  }

  void seed(const std::string& name) const {
    torch::manual_seed(static_cast<uint64_t>(e_.experiment.seed) ^ name_hash(name));
  }

  Site site(size_t i) const {
    Site at{.in = {}, .image = images_[i]};
    for (const auto& t : inputs_of(model_->ops_[i].op)) at.in.push_back(shape_of(t));
    return at;
  }

  Tensors inputs_of(const Op& op) const {
    auto copies = features_;  // handles; assembly keeps every feature
    return model_->gather(op, copies, outputs_);
  }

  std::string reads_text(const Op& op) const {
    Strings reads;
    for (const auto& read : op.reads)
      reads.push_back(read.address +
                      (read.output.empty()
                           ? " " + text(shape_of(features_[static_cast<size_t>(read.op)]))
                           : ""));
    return op.name + " reads " + join(reads, ", ");
  }

  // "fusion.combine.seg.S3" -> containers fusion, combine, seg: a child's name may not contain a
  // dot.
  void own(const std::string& path, std::shared_ptr<torch::nn::Module> module) {
    torch::nn::Module* at = model_.get();
    size_t begin = 0;
    for (auto dot = path.find('.'); dot != std::string::npos; dot = path.find('.', begin)) {
      const std::string key = path.substr(begin, dot - begin);
      const auto children = at->named_children();
      at = children.contains(key)
               ? children[key].get()
               : at->register_module(key, std::make_shared<torch::nn::Module>(key)).get();
      begin = dot + 1;
    }
    at->register_module(path.substr(begin), std::move(module));
  }

  // The last stage at 1/stride before sizes grow again. Measured on the backbone alone: a fusion
  // changes channels, not sizes.
  std::string stage_at_stride(size_t b, int64_t stride, const std::string& where) {
    const auto& backbone = e_.backbones[b];
    std::map<std::string, Tensor> values;
    int64_t full = 0, before = 0;
    std::string found, sizes;
    guarded(backbone, "", [&] {
      for (const auto& stage : graphs_[b].stages()) {
        Tensors in;
        Site at;
        for (const auto& ref : stage.inputs) {
          in.push_back(ref.name().starts_with("input.")
                           ? zeros(input_shape(backbone, ref.name().substr(6)))
                           : values.at(ref.name()));
          at.in.push_back(shape_of(in.back()));
        }
        if (!full) full = before = in[0].size(-1), image_ = shape_of(in[0]);
        at.image = image_;
        Block block = make_block(stage, at);
        block.module->eval();
        values[stage.name] = block.forward(in);
        const int64_t size = values[stage.name].size(-1);
        if (size > before) break;
        before = size;
        sizes += fmt::format(" {}/{}", stage.name, full / std::max<int64_t>(size, 1));
        if (size * stride == full) found = stage.name;
      }
    });
    if (found.empty())
      throw Error(fmt::format("{}: backbone '{}' has no stage at 1/{} of the image. It has:{}",
                              where, backbone.name, stride, sizes),
                  Fault::request);
    return found;
  }

  const Shape& input_shape(const config::Backbone& backbone, const std::string& name) const {
    const auto mapped = backbone.inputs.find(name);
    const std::string input = mapped == backbone.inputs.end()        ? name
                              : mapped->second.starts_with("input.") ? mapped->second.substr(6)
                                                                     : "";
    const auto found = inputs_.find(input);
    if (found == inputs_.end())
      throw Error(
          "a stride address needs a backbone that reads the image itself; name the stage instead",
          Fault::request);
    return found->second;
  }

  const config::Experiment& e_;
  plugins::Loader& plugins_;
  const InputShapes& inputs_;
  std::shared_ptr<Model> model_;
  std::vector<Graph> graphs_;
  std::vector<Tensor> features_;
  std::vector<Shape> images_;   // by operation: the first image that its backbone reads
  std::vector<int> image_ops_;  // and the operation that it is
  Outputs outputs_;
  Shape image_;
};

InputShapes input_shapes(const config::DataOptions& data, const Strings& further) {
  Shape image{1, static_cast<int64_t>(data.channels.size())};
  image.insert(image.end(), data.roi.begin(), data.roi.end());
  InputShapes shapes{{"image", image}};
  for (const auto factor : data.crops) shapes["x" + std::to_string(factor)] = image;
  image[1] = 1;
  for (const auto& name : further) shapes[name] = image;
  return shapes;
}

std::shared_ptr<Model> assemble(const config::Experiment& experiment, plugins::Loader& plugins,
                                const InputShapes& inputs) {
  auto model = Assembler(experiment, plugins, inputs).build();
  if (!experiment.train.freeze.empty())
    freeze(*model, experiment.train.freeze, experiment.train.freeze_norm);
  return model;
}

}  // namespace hilum::model
