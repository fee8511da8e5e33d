// SPDX-License-Identifier: Apache-2.0
// What a plugin says of itself: texts, defaults, limits, and whether its options do anything.
#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/author/battery/checks.hpp"
#include "core/model/alone.hpp"
#include "core/model/weights.hpp"
#include "core/util/sha256.hpp"
#include "hilum/names.hpp"

namespace hilum::author {
namespace {

std::string problems_of(const Plugin& plugin, const Values& values) {
  Problems problems;
  plugin.validate(values, plugin.kind + " '" + plugin.name + "'", "", problems, {});
  return problems.empty() ? "" : problems.front().message;
}

// Builds and computes once, unless a rule across options forbids these values.
void try_options(Trial& t, const Values& values, const std::string& what, bool forbidden = true) {
  t.trying(what);
  const std::string problem = problems_of(t.part, values);
  if (!problem.empty()) {
    t.expect(forbidden, problem, "The schema refuses its own default.");
    return;
  }
  Subject s = make(t.part, values, {.size = {64, 64}, .batch = 1});
  for (const auto& y : evaluated(s, s.inputs))
    t.expect(y.isfinite().all().item<bool>(), "an output is not finite",
             "A division, a logarithm or a square root of 0 at this value; or narrow its range.");
}

// Other values of an option than the one it has.
std::vector<Data> others(const Parameter& p, const Data& now) {
  std::vector<Data> all(p.choices.begin(), p.choices.end());
  if (const auto* b = std::get_if<bool>(&now)) all = {!*b};
  const auto add = [&](double v) {
    if (v < p.low || v > p.high || !std::isfinite(v)) return;
    if (std::holds_alternative<int64_t>(now))
      all.emplace_back(static_cast<int64_t>(v));
    else
      all.emplace_back(v);
  };
  if (const auto* n = std::get_if<int64_t>(&now)) {
    const auto v = static_cast<double>(*n);
    for (const double other : {v + 1, v + 2, v - 1, 2 * v, p.low}) add(other);
  }
  if (const auto* x = std::get_if<double>(&now)) {
    for (const double other : {*x * 0.5, *x * 2, (p.low + p.high) / 2, *x + 0.25}) add(other);
  }
  if (const auto* list = std::get_if<std::vector<int64_t>>(&now); list && !list->empty()) {
    auto more = *list, less = *list;
    for (auto& n : more) ++n;
    for (auto& n : less) n = (n + 2) / 3;
    all.emplace_back(more), all.emplace_back(less);
  }
  if (const auto* list = std::get_if<std::vector<double>>(&now); list && !list->empty()) {
    auto less = *list;
    for (auto& x : less) x /= 2;
    all.emplace_back(less);
  }
  std::erase(all, now);
  return all;
}

// All that can be seen of a plugin with these options; nothing where its schema refuses them.
class Traces {
 public:
  explicit Traces(Trial& t) : t_(t) {
    const auto side = t.usual(2), cube = t.usual(3);
    const auto add = [&](Setting setting) {
      setting.batch = 3, setting.seed = 3;  // an odd batch: classes that are not balanced
      settings_.push_back(std::move(setting));
    };
    add({.size = side});
    if (t.part.kind == "regularizer") add({.size = side, .guided = false});
    if (t.part.kind == "fusion") add({.size = side, .second = 4});
    if (t.part.kind == "fusion") add({.size = side, .other = {side[0] / 2, side[1] / 2}});
    if (t.part.kind == "head") add({.size = side, .other = {2 * side[0], 2 * side[1]}});
    add({.size = cube});
    if (t.part.kind == "backbone")
      add({.size = Size(2, std::max<int64_t>(128, 8 * side[0]))});  // dilations reach far
  }
  size_t settings() const { return settings_.size(); }

  std::optional<std::string> of(const Values& values, size_t setting) const {
    if (!problems_of(t_.part, values).empty()) return std::nullopt;
    try {
      return trace(values, settings_[setting]);
    } catch (const c10::Error& e) {
      return std::string("refused: ") + e.what_without_backtrace();
    } catch (const std::exception& e) {
      return std::string("refused: ") + e.what();  // an effect, too: an option may forbid something
    }
  }

 private:
  static void add(std::string& text, const Tensor& t) {
    const auto bytes = t.detach().to(torch::kDouble).contiguous();
    text += sizes(t.sizes()) + util::sha256(std::string_view(
                                   static_cast<const char*>(bytes.data_ptr()), bytes.nbytes()));
  }
  // What it makes of ratings from 0 to 6, by halves.
  static void add_truths(std::string& text, const Head& head) {
    for (const auto& o : head.outputs()) {
      text += o.target + std::to_string(o.threshold);
      if (o.kind == OutputKind::mask) continue;
      add(text, head.truth(o, {{o.target, torch::arange(13).unsqueeze(1) / 2.0F}}));
    }
  }
  std::string trace(const Values& values, const Setting& setting) const {
    Subject s = make(t_.part, values, setting);
    std::string text;
    for (const auto& [name, tensor] : model::state(*s.module)) text += name, add(text, tensor);
    for (const auto& module : s.module->modules())
      if (const auto* part = dynamic_cast<const Part*>(module.get()))
        for (const auto& [name, scale] : part->lr_scales())
          text += fmt::format("{}*{}", name, scale);
    if (const auto* head = dynamic_cast<const Head*>(s.module.get())) add_truths(text, *head);
    auto variables = s.module->parameters();
    for (size_t i = 0; i < s.learns_from; ++i)
      variables.push_back(s.inputs[i].set_requires_grad(true));
    torch::manual_seed(5);
    const Tensor loss = s.loss(s.inputs);
    add(text, loss);
    for (const auto& [name, value] : model::take_logs(*s.module)) text += name, add(text, value);
    if (loss.requires_grad())
      for (const auto& g : torch::autograd::grad({loss}, variables, {}, false, false, true))
        if (g.defined()) add(text, g);
    for (const auto& [name, tensor] : model::state(*s.module)) add(text, tensor);  // running means
    for (const auto& y : evaluated(s, s.inputs)) add(text, y);
    return text;
  }

  Trial& t_;
  std::vector<Setting> settings_;
};

Data value_in(const Values& values, const Parameter& p) {
  const auto set = values.find(p.name);
  return set == values.end() ? p.fallback : set->second.data;
}

enum class Effect { none, some, unknown };

// Does the option change anything when it starts from `base`?
Effect effect(const Traces& traces, const Parameter& p, const Values& base) {
  const auto tries = others(p, value_in(base, p));
  bool compared = false;
  for (size_t setting = 0; setting < traces.settings(); ++setting) {
    const auto before = traces.of(base, setting);
    if (!before) continue;
    for (const auto& value : tries) {
      Values changed = base;
      changed[p.name] = {value, ""};
      const auto after = traces.of(changed, setting);
      if (!after) continue;
      if (*after != *before) return Effect::some;
      compared = true;
    }
  }
  return compared ? Effect::none : Effect::unknown;
}

}  // namespace

void check_help(Trial& t) {
  const char* where = "r.add<...>(name, version, summary) in HILUM_PLUGIN.";
  t.expect(!t.part.summary.empty(), "it has no summary", where);
  t.expect(!t.part.version.empty(), "it has no version", where);
  for (const auto& p : t.part.parameters) {
    t.trying("option '" + p.name + "'");
    t.expect(!p.help.empty(), "it has no help text",
             "The third argument of .add(\"" + p.name + "\", ...) in schema().");
  }
}

void check_defaults(Trial& t) {
  Values values;
  for (const auto& p : t.part.parameters) values[p.name] = {p.fallback, ""};
  try_options(t, values, "all defaults", false);
}

void check_limits(Trial& t) {
  for (const auto& p : t.part.parameters) {
    std::vector<Data> tries(p.choices.begin(), p.choices.end());
    if (std::holds_alternative<bool>(p.fallback)) tries = {true, false};
    if (std::holds_alternative<int64_t>(p.fallback) && std::isfinite(p.low))
      tries.emplace_back(static_cast<int64_t>(p.low));
    if (std::holds_alternative<double>(p.fallback) && std::isfinite(p.low))
      tries.emplace_back(p.low);
    for (const auto& value : tries) {
      auto values = small(t.part);
      values[p.name] = {value, ""};
      try_options(t, values, p.name + " = " + to_text(value));
    }
  }
}

void check_effects(Trial& t) {
  const Traces traces(t);
  const Values base = small(t.part);
  for (const auto& p : t.part.parameters) {
    t.trying("option '" + p.name + "' at other values");
    if (effect(traces, p, base) != Effect::none) continue;
    // It may depend on another option: each of them at each of its other values.
    bool matters = false;
    for (const auto& q : t.part.parameters) {
      if (q.name == p.name || matters) continue;
      for (const auto& value : others(q, value_in(base, q))) {
        t.trying("option '" + p.name + "' at other values, with " + q.name + " = " +
                 to_text(value));
        Values with = base;
        with[q.name] = {value, ""};
        if (effect(traces, p, with) == Effect::some) {
          matters = true;
          break;
        }
      }
    }
    t.trying("option '" + p.name + "' at other values, alone and beside the other options'");
    t.expect(matters, "nothing changed: weights, outputs, losses and gradients are the same",
             "Is Options::" + p.name + " read anywhere? Remove it, or use it.");
  }
}

}  // namespace hilum::author
