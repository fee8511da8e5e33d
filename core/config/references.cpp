// SPDX-License-Identifier: Apache-2.0
// What one table says about another: addresses, guides, patterns of `train.freeze`.
#include <algorithm>
#include <set>

#include "core/config/reader.hpp"

namespace hilum::config {
namespace {

class References {
 public:
  References(const Experiment& experiment, Problems& problems)
      : root_(experiment.document.root), problems_(problems) {
    for (const auto& backbone : experiment.backbones) backbones_.push_back(backbone.name);
    for (const auto& head : experiment.heads) heads_.push_back(head.name);
  }
  void backbone(const Backbone& backbone) {
    for (const auto& [input, address] : backbone.inputs)
      check("backbone '" + backbone.name + "': input '" + input + "'", address,
            {"backbone", backbone.name, "inputs", input}, with_input(backbones_));
  }
  void fusion(const Fusion& fusion) {
    const std::string what = "fusion '" + fusion.name + "': ";
    const auto all = [&](const std::string& key, const std::vector<Strings>& groups) {
      for (const auto& group : groups) {
        const bool fits = key == "connect" ? group.size() == 2 : group.size() >= 2;
        const bool distinct =
            std::set<std::string>(group.begin(), group.end()).size() == group.size();
        if (!fits || !distinct)
          say({"fusion", fusion.name, key},
              what + "option '" + key + "' has " + to_text(group) + ", expected " +
                  (key == "connect" ? "[giver, receiver]" : "[a, b, ...]") + ", all different");
        for (const auto& address : group)
          check(what + "'" + key + "'", address, {"fusion", fusion.name, key}, backbones_);
      }
    };
    all("connect", fusion.connect);
    all("between", fusion.between);
    Strings consumers = backbones_;
    consumers.emplace_back("head");
    for (const auto& address : fusion.only)
      check(what + "'only'", address, {"fusion", fusion.name, "only"}, consumers);
  }
  void head(const Head& head) {
    Strings known = with_input(backbones_);
    for (const auto& other : heads_)
      if (other != head.name) known.push_back(other);
    for (const auto& address : head.on)
      check("head '" + head.name + "': 'on'", address, {"head", head.name, "on"}, known);
    if (!head.regularizer) return;
    const std::string what = "regularizer of head '" + head.name + "': ";
    const Strings path = {"head", head.name, "regularizer"};
    for (const auto& address : head.regularizer->reads)
      check(what + "'reads'", address, {path[0], path[1], path[2], "reads"}, known);
    guide(head.regularizer->guide, head.name, what, {path[0], path[1], path[2], "guide"});
  }
  // Patterns may begin with *; what they name outright must be there.
  void freeze(const Strings& patterns) {
    Strings known = backbones_;
    for (const auto* group : {"head", "fusion", "regularizer"}) known.emplace_back(group);
    for (const auto& pattern : patterns) {
      const auto first = pattern.substr(0, pattern.find_first_of("./"));
      if (first.find_first_of("*?[") == std::string::npos && !in(known, first))
        say({"train", "freeze"}, "train: 'freeze' has '" + pattern +
                                     "', and there is no backbone '" + first + "'." +
                                     suggestion(first, known));
    }
  }

 private:
  static bool in(const Strings& list, const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  }
  static Strings with_input(Strings list) { return list.emplace_back("input"), list; }

  void guide(const std::string& guide, const std::string& own, const std::string& what,
             const Strings& path) {
    Strings others;
    for (const auto& head : heads_)
      if (head != own) others.push_back(head);
    if (guide.empty() || in(others, guide)) return;
    say(path, what +
                  (guide == own ? "'guide' is the head itself. Name another head."
                                : "'guide' is '" + guide + "', and there is no such head.") +
                  suggestion(guide, others));
  }
  // "seg.S9" or "cls/8". Whether the backbone has the stage is known when it is assembled.
  void check(const std::string& what, const std::string& address, const Strings& path,
             const Strings& known) {
    const auto cut = address.find_first_of("./");
    const auto first = address.substr(0, cut);
    const auto rest = cut == std::string::npos ? "" : address.substr(cut + 1);
    const bool stride = cut != std::string::npos && address[cut] == '/';
    const bool digits = rest.find_first_not_of("0123456789") == std::string::npos;
    if (first.empty() || rest.empty() || (stride && (!digits || rest[0] == '0')))
      say(path, what + " is '" + address +
                    "', expected an address: 'backbone.stage' or 'backbone/stride'." +
                    (in(known, address) ? " Add a stage, such as '" + address + ".S1'" : ""));
    else if (!in(known, first))
      say(path, what + " is '" + address + "', and there is no '" + first + "'." +
                    suggestion(first, known));
  }
  void say(const Strings& path, const std::string& message) {
    const Node* node = &root_;
    std::string where;
    for (const auto& key : path) {
      node = node ? node->find(key) : nullptr;
      if (node) where = node->where;
    }
    problems_.push_back({where, message});
  }

  const Node& root_;
  Problems& problems_;
  Strings backbones_, heads_;
};

}  // namespace

void check_references(const Experiment& experiment, Problems& problems) {
  References references(experiment, problems);
  for (const auto& backbone : experiment.backbones) references.backbone(backbone);
  for (const auto& fusion : experiment.fusions) references.fusion(fusion);
  for (const auto& head : experiment.heads) references.head(head);
  references.freeze(experiment.train.freeze);
}

}  // namespace hilum::config
