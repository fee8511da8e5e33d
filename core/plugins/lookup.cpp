// SPDX-License-Identifier: Apache-2.0
#include "core/plugins/lookup.hpp"

namespace hilum::plugins {

Search search_for(const config::PluginOptions& options,
                  const std::filesystem::path& experiment_file) {
  return Search::standard(options.registries, experiment_file.parent_path());
}

config::Lookup declaration_lookup(const config::PluginOptions& options,
                                  const std::filesystem::path& experiment_file) {
  const auto catalog = std::make_shared<Catalog>(search_for(options, experiment_file));
  return [catalog](const std::string& kind, const std::string& name) {
    const Description found = catalog->describe(catalog->find(kind, name));
    if (found.failure) throw error(found.entry, *found.failure);
    return found.declaration;
  };
}

}  // namespace hilum::plugins
