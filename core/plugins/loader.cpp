// SPDX-License-Identifier: Apache-2.0
#include "core/plugins/loader.hpp"

#include <map>

#include "core/plugins/inspect.hpp"
#include "core/plugins/library.hpp"
#include "core/plugins/stamp.hpp"

namespace hilum::plugins {

struct Loader::Impl {
  Catalog catalog;
  std::map<std::string, std::shared_ptr<const Plugin>> plugins;  // by "kind/name"
  std::map<std::string, std::filesystem::path> origins;          // their libraries
  std::map<std::string, Loaded> used;

  void open(const Description& description);
};

// Nothing is visible before all checks have passed.
void Loader::Impl::open(const Description& description) {
  const Entry& entry = description.entry;
  if (description.failure && description.failure->looked) throw error(entry, *description.failure);
  // What a child process said of this file may be out of date by now: the library that is in this
  // process is held to the same promises.
  const Opened opened = open_library(entry.library);
  if (opened.failure) throw error(entry, *opened.failure);
  std::vector<const Declaration*> registered;
  for (const auto& plugin : opened.plugins) registered.push_back(&declaration(*plugin));
  if (const auto failure = inspect(registered, catalog.promised(entry)))
    throw error(entry, *failure);
  for (const auto& plugin : opened.plugins) {
    const auto& d = declaration(*plugin);
    if (plugins.try_emplace(d.kind + "/" + d.name, plugin).second)
      origins[d.kind + "/" + d.name] = entry.library;
  }
}

Loader::Loader(Catalog catalog)
    : impl_(std::make_unique<Impl>(Impl{std::move(catalog), {}, {}, {}})) {}
Loader::~Loader() = default;
Loader::Loader(Loader&&) noexcept = default;
Loader& Loader::operator=(Loader&&) noexcept = default;

const Plugin& Loader::load(const std::string& kind, const std::string& name) {
  const std::string address = kind + "/" + name;
  if (const auto used = impl_->used.find(address); used != impl_->used.end())
    return *impl_->plugins.at(address);
  return load(impl_->catalog.find(kind, name));
}

const Plugin& Loader::load(const Entry& entry) {
  const std::string address = entry.address();
  std::error_code ignored;
  if (const auto from = impl_->origins.find(address);
      from != impl_->origins.end() && from->second != entry.library &&
      !std::filesystem::equivalent(from->second, entry.library, ignored))
    throw Error(entry.library.string() + ": " + entry.kind + " '" + entry.name +
                    "': this process has loaded another library's plugin of that name: " +
                    from->second.string() + ". Use one of them at a time.",
                Fault::request);
  const Description description = impl_->catalog.describe(entry);
  if (!impl_->plugins.contains(address)) impl_->open(description);
  const Plugin& plugin = *impl_->plugins.at(address);
  impl_->used[address] = {entry.kind,
                          entry.name,
                          declaration(plugin).version,
                          description.sha256,
                          description.entry.library,
                          built_for(entry.library)};
  return plugin;
}

std::string Loader::library_sha256(const std::string& kind, const std::string& name) {
  if (const auto used = impl_->used.find(kind + "/" + name); used != impl_->used.end())
    return used->second.sha256;
  return impl_->catalog.describe(impl_->catalog.find(kind, name)).sha256;
}

std::vector<Loaded> Loader::loaded() const {
  std::vector<Loaded> all;
  for (const auto& [address, loaded] : impl_->used) all.push_back(loaded);
  return all;
}

Catalog& Loader::catalog() { return impl_->catalog; }

config::Lookup loaded_lookup(std::shared_ptr<Loader> loader) {
  return [loader = std::move(loader)](const std::string& kind, const std::string& name) {
    return declaration(loader->load(kind, name));
  };
}

std::shared_ptr<Loader> loader_for(const config::PluginOptions& options,
                                   const std::filesystem::path& experiment_file) {
  return std::make_shared<Loader>(Catalog(search_for(options, experiment_file)));
}

}  // namespace hilum::plugins
