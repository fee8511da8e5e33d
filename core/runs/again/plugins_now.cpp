// SPDX-License-Identifier: Apache-2.0
#include "core/runs/again/plugins_now.hpp"

#include "core/config/toml.hpp"
#include "core/plugins/catalog.hpp"
#include "core/util/sha256.hpp"

namespace hilum::runs {
namespace {

// Those of the run's own registries that are still there: one that is gone hides its plugins and
// must not hide the others.
Strings registries_of(const Details& run) {
  Strings found;
  for (const auto& param : run.params) {
    if (param.key != "plugins.registries") continue;
    const auto node = config::parse_argument(param.value);
    const auto* named = node.data ? std::get_if<Strings>(&*node.data) : nullptr;
    for (const auto& registry : named ? *named : Strings{})
      if (std::error_code ignored; std::filesystem::exists(registry, ignored))
        found.push_back(registry);
  }
  return found;
}

PluginNow look(const plugins::Catalog& catalog, const PluginUse& then) {
  using State = PluginNow::State;
  PluginNow now;
  try {
    now.library = catalog.find(then.kind, then.name).library;
    now.sha256 = util::sha256_file(now.library);
    now.state = now.sha256 == then.sha256 ? State::same : State::changed;
  } catch (const Error& e) {  // a name in two places is a plugin's fault, an unknown one is not
    now.state = e.fault == Fault::plugin ? State::several : State::missing;
    now.why = e.what();
  }
  return now;
}

}  // namespace

std::string to_text(PluginNow::State state) {
  static constexpr const char* kTexts[] = {"the same", "CHANGED", "missing", "in two places"};
  return kTexts[static_cast<size_t>(state)];
}

std::vector<PluginNow> plugins_now(const Details& run) {
  const plugins::Catalog catalog(plugins::Search::standard(registries_of(run)));
  std::vector<PluginNow> all;
  for (const auto& use : run.plugins) all.push_back(look(catalog, use));
  return all;
}

}  // namespace hilum::runs
