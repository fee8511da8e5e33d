// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hilum/part.hpp"

namespace hilum {

/// A built stage: the module that owns the parameters, and how to call it.
struct Block {
  std::shared_ptr<torch::nn::Module> module;
  std::function<Tensor(Tensors)> forward;
};

namespace detail {
template <class M>
concept Holder = requires(M m) {
  m.ptr();
};
template <class M, class... A>
concept Takes = requires(M& m, A... a) {
  m.forward(a...);
};
}  // namespace detail

/// Any torch module or holder whose forward takes n tensors (n <= 3), or one Tensors. The arity is
/// picked at compile time; the tensors come first, since nn::Sequential's forward is a template
/// that accepts anything.
template <class M>
Block block(M m, size_t n, const std::string& stage) {
  if constexpr (detail::Holder<M>) {
    return block(m.ptr(), n, stage);
  } else {
    using Module = typename M::element_type;
    Module* p = m.get();
    // Moved into the call: a feature that is read for the last time is freed inside the stage.
    if constexpr (detail::Takes<Module, Tensor>)
      if (n == 1) return {m, [p](Tensors a) { return p->forward(std::move(a[0])); }};
    if constexpr (detail::Takes<Module, Tensor, Tensor>)
      if (n == 2)
        return {m, [p](Tensors a) { return p->forward(std::move(a[0]), std::move(a[1])); }};
    if constexpr (detail::Takes<Module, Tensor, Tensor, Tensor>)
      if (n == 3)
        return {m, [p](Tensors a) {
                  return p->forward(std::move(a[0]), std::move(a[1]), std::move(a[2]));
                }};
    if constexpr (detail::Takes<Module, Tensors>)
      return {m, [p](Tensors a) { return p->forward(std::move(a)); }};
    throw Error("stage '" + stage + "' names " + std::to_string(n) +
                    " inputs; its module's forward takes another number",
                Fault::plugin);
  }
}

/// A feature of this backbone: a stage, or a graph input. Only a Graph makes one, so that an
/// unknown stage does not compile and a plugin cannot close a cycle.
class Ref {
 public:
  const std::string& name() const { return name_; }

 private:
  friend class Graph;
  explicit Ref(std::string name) : name_(std::move(name)) {}
  std::string name_;
};

/// A stage as declared; its module is built by `make` once the shapes of its inputs are known.
struct Stage {
  std::string name;
  std::vector<Ref> inputs;
  std::function<Block(const Site&)> make;
};

/// What a backbone fills with stages. A module is built later, when its inputs' shapes are known (a
/// fusion may have widened them). Its own shape is measured, never declared. A stage that nobody
/// reads is not built.
class Graph {
 public:
  /// A sample's tensor by name: "image" [N,C,H,W] or [N,C,D,H,W], or what `inputs` in the
  /// experiment maps it to.
  Ref input(const std::string& name = "image") const { return Ref("input." + name); }

  /// make(site) returns any torch module or holder.
  template <std::invocable<const Site&> Make>
  Ref stage(const std::string& name, std::vector<Ref> inputs, Make make) {
    return add(name, std::move(inputs),
               [=](const Site& site) { return block(make(site), site.in.size(), name); });
  }
  /// Builds M(site, args...).
  template <std::derived_from<torch::nn::Module> M, class... A>
  Ref stage(const std::string& name, std::vector<Ref> inputs, A... args) {
    return stage(name, std::move(inputs),
                 [=](const Site& site) { return std::make_shared<M>(site, args...); });
  }
  /// The prefix of a stage's parameters in published weights.
  void alias(const Ref& stage, std::string prefix) { aliases_[stage.name()] = std::move(prefix); }

  const std::vector<Stage>& stages() const { return stages_; }
  const std::map<std::string, std::string>& aliases() const { return aliases_; }

 private:
  Ref add(const std::string& name, std::vector<Ref> inputs,
          std::function<Block(const Site&)> make) {
    for (const auto& stage : stages_)
      if (stage.name == name) throw Error("stage '" + name + "' is declared twice", Fault::plugin);
    stages_.push_back({name, std::move(inputs), std::move(make)});
    return Ref(name);
  }
  std::vector<Stage> stages_;
  std::map<std::string, std::string> aliases_;
};

}  // namespace hilum
