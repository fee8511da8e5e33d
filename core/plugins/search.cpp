// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <sstream>

#include "core/plugins/catalog.hpp"
#include "core/util/files.hpp"

namespace hilum::plugins {
namespace {
namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

fs::path cache_folder() {
  if (const auto folder = variable("HILUM_CACHE"); !folder.empty())
    return fs::path(folder) / "plugins";
  if (const auto folder = variable("XDG_CACHE_HOME"); !folder.empty())
    return fs::path(folder) / "hilum" / "plugins";
  if (const auto folder = variable("HOME"); !folder.empty())
    return fs::path(folder) / ".cache" / "hilum" / "plugins";
  return {};
}

// build/bin/hilum and build/tests/x_test -> build/plugins; PREFIX/bin/hilum ->
// PREFIX/lib/hilum/plugins.
fs::path own_folder(const fs::path& bin) {
  const fs::path built = (bin / ".." / "plugins").lexically_normal();
  if (fs::exists(built / "registry.toml") || fs::exists(bin / ".." / "CMakeCache.txt"))
    return built;
  return (bin / HILUM_INSTALLED_PLUGINS).lexically_normal();
}

fs::path engine_program(const fs::path& bin) {
  for (const auto& file : {bin / "hilum-engine", bin / ".." / "bin" / "hilum-engine"})
    if (fs::exists(file)) return file.lexically_normal();
  return {};
}

}  // namespace

Search Search::standard(const Strings& registries, const fs::path& folder) {
  Search search;
  for (const auto& registry : registries)
    search.registries.push_back(fs::absolute(folder / registry).lexically_normal());
  std::istringstream path(variable("HILUM_PLUGIN_PATH"));
  for (std::string item; std::getline(path, item, ':');)
    if (!item.empty()) search.path.push_back(fs::absolute(item).lexically_normal());
  const fs::path bin = util::this_program().parent_path();
  search.own = own_folder(bin);
  search.engine = engine_program(bin);
  search.cache = cache_folder();
  return search;
}

}  // namespace hilum::plugins
