// SPDX-License-Identifier: Apache-2.0
#include "core/model/wiring.hpp"

#include <algorithm>
#include <optional>

namespace hilum::model {
namespace {

class Builder {
 public:
  Builder(const config::Experiment& e, const std::vector<Graph>& graphs,
          const StrideResolver& stride)
      : e_(e), graphs_(graphs), stride_(stride) {}

  Wiring build() {
    declare();
    fuse();
    connect_stages();
    connect_heads();
    sort();
    mark_last_reads();
    return std::move(wiring_);
  }

 private:
  // A feature's history: what wrote it, and who sees that version (empty: everybody).
  struct Version {
    int op;
    Strings only;
  };

  [[noreturn]] static void fail(const std::string& where, const std::string& what) {
    throw Error(where.empty() ? what : where + ": " + what, Fault::request);
  }

  int input(const std::string& name) {
    for (size_t i = 0; i < ops_.size(); ++i)
      if (ops_[i].kind == Op::Kind::input && ops_[i].owner == name) return static_cast<int>(i);
    ops_.push_back({.kind = Op::Kind::input, .name = "input." + name, .owner = name});
    return static_cast<int>(ops_.size()) - 1;
  }

  void declare() {
    for (size_t b = 0; b < graphs_.size(); ++b)
      for (size_t s = 0; s < graphs_[b].stages().size(); ++s) {
        const auto& owner = e_.backbones[b].name;
        const std::string name = owner + "." + graphs_[b].stages()[s].name;
        versions_[name] = {{static_cast<int>(ops_.size()), {}}};
        ops_.push_back(
            {.kind = Op::Kind::stage, .name = name, .owner = owner, .index = b, .stage = s});
      }
    for (size_t h = 0; h < e_.heads.size(); ++h) {
      const auto& name = e_.heads[h].name;
      for (const auto& backbone : e_.backbones)
        if (backbone.name == name)
          fail(e_.heads[h].where, "head '" + name + "': a backbone has this name too; rename one");
      heads_[name] = static_cast<int>(ops_.size());
      ops_.push_back({.kind = Op::Kind::head, .name = "head." + name, .owner = name, .index = h});
    }
  }

  // "seg.S3" or "seg/8" -> "seg.S3", which exists.
  std::string stage_address(const std::string& address, const std::string& where,
                            const std::string& what) const {
    const auto slash = address.find('/');
    const auto dot = address.find('.');
    const std::string owner = address.substr(0, std::min(slash, dot));
    Strings names;
    for (size_t b = 0; b < e_.backbones.size(); ++b) {
      names.push_back(e_.backbones[b].name);
      if (names.back() != owner) continue;
      if (slash != std::string::npos)
        return owner + "." + stride_(b, std::atoll(address.c_str() + slash + 1), where);
      if (versions_.count(address)) return address;
      Strings stages;
      for (const auto& stage : graphs_[b].stages()) stages.push_back(owner + "." + stage.name);
      fail(where, what + ": backbone '" + owner + "' (" + e_.backbones[b].plugin +
                      ") has no stage '" + address.substr(owner.size() + 1) + "'." +
                      suggestion(address, stages) +
                      (stages.size() < 10 ? "" : " Its stages: " + join(stages, ", ") + "."));
    }
    fail(where, what + ": no backbone named '" + owner + "' in '" + address + "'." +
                    suggestion(owner, names));
  }

  Read latest(const std::string& feature) const {
    return {versions_.at(feature).back().op, "", feature, false};
  }
  // What a consumer sees: the last version that is not reserved for others.
  Read seen_by(const std::string& feature, const std::string& consumer) const {
    const auto& history = versions_.at(feature);
    for (auto v = history.rbegin(); v != history.rend(); ++v)
      if (v->only.empty() || std::find(v->only.begin(), v->only.end(), consumer) != v->only.end())
        return {v->op, "", feature, false};
    return {history.front().op, "", feature, false};
  }

  int add_fusion(size_t f, const std::string& feature, std::vector<Read> reads) {
    std::string name = "fusion." + e_.fusions[f].name + "." + feature;
    const auto taken = std::count_if(ops_.begin(), ops_.end(), [&](const Op& op) {
      return op.kind == Op::Kind::fusion && op.index == f && op.feature == feature;
    });
    if (taken) name += "_" + std::to_string(taken + 1);
    ops_.push_back({.kind = Op::Kind::fusion,
                    .name = name,
                    .owner = e_.fusions[f].name,
                    .feature = feature,
                    .reads = std::move(reads),
                    .index = f});
    return static_cast<int>(ops_.size()) - 1;
  }

  // Those that `only` names, as operations are called: "seg.S4", "head.mask".
  Strings consumers(const config::Fusion& fusion, const std::string& what) const {
    Strings names, heads;
    for (const auto& [head, op] : heads_) heads.push_back("head." + head);
    for (const auto& address : fusion.only) {
      const bool head = address.starts_with("head.");
      if (head && !heads_.count(address.substr(5)))
        fail(fusion.where,
             what + ": 'only': there is no '" + address + "'." + suggestion(address, heads));
      names.push_back(head ? address : stage_address(address, fusion.where, what + ": 'only'"));
    }
    return names;
  }

  void fuse() {
    for (size_t f = 0; f < e_.fusions.size(); ++f) {
      const auto& fusion = e_.fusions[f];
      const std::string what = "fusion '" + fusion.name + "'";
      const Strings only = consumers(fusion, what);
      for (const auto& pair : fusion.connect) {
        const std::string giver = stage_address(pair.at(0), fusion.where, what);
        const std::string receiver = stage_address(pair.at(1), fusion.where, what);
        if (giver == receiver) fail(fusion.where, what + ": connects '" + giver + "' to itself");
        const int op = add_fusion(f, receiver, {latest(receiver), latest(giver)});
        versions_[receiver].push_back({op, only});
      }
      for (const auto& group : fusion.between) {
        Strings features;
        for (const auto& address : group)
          features.push_back(stage_address(address, fusion.where, what));
        std::vector<Version> after;  // all read what was there before
        for (size_t i = 0; i < features.size(); ++i) {
          std::vector<Read> reads{latest(features[i])};
          for (size_t j = 0; j < features.size(); ++j)
            if (j != i) reads.push_back(latest(features[j]));
          after.push_back({add_fusion(f, features[i], std::move(reads)), only});
        }
        for (size_t i = 0; i < features.size(); ++i) versions_[features[i]].push_back(after[i]);
      }
    }
  }

  void connect_stages() {
    const size_t declared = ops_.size();  // inputs are appended while we walk
    for (size_t i = 0; i < declared; ++i) {
      if (ops_[i].kind != Op::Kind::stage) continue;
      const auto& backbone = e_.backbones[ops_[i].index];
      const auto& stage = graphs_[ops_[i].index].stages()[ops_[i].stage];
      std::vector<Read> reads;
      for (const auto& ref : stage.inputs)
        reads.push_back(stage_input(backbone, ref.name(), ops_[i].name));
      ops_[i].reads = std::move(reads);
    }
  }

  Read stage_input(const config::Backbone& backbone, const std::string& ref,
                   const std::string& consumer) {
    if (!ref.starts_with("input.")) return seen_by(backbone.name + "." + ref, consumer);
    const std::string name = ref.substr(6);
    const auto mapped = backbone.inputs.find(name);
    if (mapped == backbone.inputs.end()) return {input(name), "", "input." + name, false};
    if (mapped->second.starts_with("input."))
      return {input(mapped->second.substr(6)), "", mapped->second, false};
    return seen_by(
        stage_address(mapped->second, backbone.where, "backbone '" + backbone.name + "'"),
        consumer);
  }

  void connect_heads() {
    for (const auto& [name, i] : heads_) {
      const auto& head = e_.heads[ops_[static_cast<size_t>(i)].index];
      const std::string what = "head '" + name + "'";
      std::vector<Read> reads;
      for (const auto& address : head.on) {
        const auto owner = address.substr(0, address.find_first_of("./"));
        const auto other = heads_.find(owner);
        if (other != heads_.end() && address.size() > owner.size())
          reads.push_back({other->second, address.substr(owner.size() + 1), address, false});
        else if (address.starts_with("input."))
          reads.push_back({input(address.substr(6)), "", address, false});
        else
          reads.push_back(
              seen_by(stage_address(address, head.where, what), ops_[static_cast<size_t>(i)].name));
      }
      ops_[static_cast<size_t>(i)].reads = std::move(reads);
      if (head.regularizer && !head.regularizer->guide.empty()) {
        const auto guide = heads_.find(head.regularizer->guide);
        if (guide == heads_.end() || guide->first == name)
          fail(head.regularizer->where, what + ": the regularizer's guide '" +
                                            head.regularizer->guide + "' is not another head");
        ops_[static_cast<size_t>(i)].guide = guide->second;
      }
    }
  }

  // Depth first from the heads: what they do not reach is not built.
  void sort() {
    state_.assign(ops_.size(), 0);
    for (size_t i = 0; i < ops_.size(); ++i)
      if (ops_[i].kind == Op::Kind::head) visit(static_cast<int>(i));
    for (size_t i = 0; i < ops_.size(); ++i) {
      if (state_[i]) continue;
      const Op& op = ops_[i];
      if (op.kind == Op::Kind::fusion)
        fail(e_.fusions[op.index].where,
             "fusion '" + op.owner + "': no head reads '" + op.feature +
                 "' after it, so it would do nothing. Put it on a stage that a head's "
                 "path uses, or remove it");
      if (op.kind == Op::Kind::stage) wiring_.unread.push_back(op.name);
    }
    std::vector<int> position(ops_.size(), -1);
    for (size_t i = 0; i < order_.size(); ++i)
      position[static_cast<size_t>(order_[i])] = static_cast<int>(i);
    for (const int i : order_) {
      Op op = std::move(ops_[static_cast<size_t>(i)]);
      for (auto& read : op.reads) read.op = position[static_cast<size_t>(read.op)];
      if (op.guide >= 0) op.guide = position[static_cast<size_t>(op.guide)];
      wiring_.ops.push_back(std::move(op));
    }
  }

  void visit(int i) {
    const auto at = static_cast<size_t>(i);
    if (state_[at] == 2) return;
    path_.push_back(i);
    if (state_[at] == 1) fail_cycle(i);
    state_[at] = 1;
    for (const auto& read : ops_[at].reads) visit(read.op);
    if (ops_[at].guide >= 0) visit(ops_[at].guide);
    state_[at] = 2;
    order_.push_back(i);
    path_.pop_back();
  }

  [[noreturn]] void fail_cycle(int i) const {
    Strings loop;
    const auto start = std::find(path_.begin(), path_.end(), i);
    for (auto p = path_.rbegin(); p != path_.rend(); ++p) {
      loop.push_back(ops_[static_cast<size_t>(*p)].name);
      if (p.base() - 1 == start) break;
    }
    std::string where;
    for (auto p = start; p != path_.end(); ++p)
      if (ops_[static_cast<size_t>(*p)].kind == Op::Kind::fusion)
        where = e_.fusions[ops_[static_cast<size_t>(*p)].index].where;
    fail(where, "the experiment's graph has a cycle: " + join(loop, " -> "));
  }

  void mark_last_reads() {
    std::vector<Read*> last(wiring_.ops.size(), nullptr);
    for (auto& op : wiring_.ops)
      for (auto& read : op.reads) {
        auto& source = wiring_.ops[static_cast<size_t>(read.op)];
        if (source.kind == Op::Kind::input || source.kind == Op::Kind::head) continue;
        last[static_cast<size_t>(read.op)] = &read;
      }
    for (auto* read : last)
      if (read) read->last = true;
  }

  const config::Experiment& e_;
  const std::vector<Graph>& graphs_;
  const StrideResolver& stride_;
  std::vector<Op> ops_;
  std::map<std::string, std::vector<Version>> versions_;
  std::map<std::string, int> heads_;
  std::vector<int> state_, order_, path_;
  Wiring wiring_;
};

}  // namespace

Wiring wire(const config::Experiment& experiment, const std::vector<Graph>& graphs,
            const StrideResolver& stride) {
  return Builder(experiment, graphs, stride).build();
}

}  // namespace hilum::model
