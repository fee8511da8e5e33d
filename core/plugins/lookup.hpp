// SPDX-License-Identifier: Apache-2.0
// The experiment file's view of the plugins. No LibTorch.
#pragma once
#include <filesystem>

#include "core/config/experiment.hpp"
#include "core/plugins/catalog.hpp"

namespace hilum::plugins {

/// Where an experiment's plugins are looked for; its `registries` are relative to its file.
Search search_for(const config::PluginOptions& options,
                  const std::filesystem::path& experiment_file);

/// Declarations from the cached descriptions: milliseconds, and no plugin's code runs in this
/// process. Their validate checks types, ranges, choices and names. Rules across options are code
/// of the plugin: they are checked by plugins::loaded_lookup (loader.hpp), which the commands that
/// train use.
config::Lookup declaration_lookup(const config::PluginOptions& options,
                                  const std::filesystem::path& experiment_file);

}  // namespace hilum::plugins
