// SPDX-License-Identifier: Apache-2.0
// Loads plugins into this process. With LibTorch, but not in this header: include hilum/plugin.hpp
// to use what load() returns.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/plugins/catalog.hpp"
#include "core/plugins/lookup.hpp"

namespace hilum {
struct Plugin;
}

namespace hilum::plugins {

/// A plugin in use, for the run store.
struct Loaded {
  std::string kind, name, version, sha256;  // sha256: of the library
  std::filesystem::path library;
  std::string build;  // what the library was built for, in words (stamp.hpp)
};

/// Not for two threads at once.
class Loader {
 public:
  explicit Loader(Catalog catalog = Catalog());
  ~Loader();
  Loader(Loader&&) noexcept;
  Loader& operator=(Loader&&) noexcept;

  /// The plugin, loaded on first use; valid as long as the loader. Throws Error: Fault::request for
  /// an unknown name, Fault::plugin for a library that is missing, built for something else,
  /// crashes or lies.
  const Plugin& load(const std::string& kind, const std::string& name);
  /// Of a library that need not be in any registry (Catalog::from_file). Throws as above; Error
  /// (request) where another library's plugin of that name is in this process already.
  const Plugin& load(const Entry& entry);
  /// Of the library that has the plugin; loads nothing.
  std::string library_sha256(const std::string& kind, const std::string& name);
  /// Those that load() returned, sorted.
  std::vector<Loaded> loaded() const;
  Catalog& catalog();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Declarations of the loaded plugins, with their own validate: rules across options are checked
/// too.
config::Lookup loaded_lookup(std::shared_ptr<Loader> loader);
/// The same with a new loader for what the experiment names.
std::shared_ptr<Loader> loader_for(const config::PluginOptions& options,
                                   const std::filesystem::path& experiment_file);

}  // namespace hilum::plugins
