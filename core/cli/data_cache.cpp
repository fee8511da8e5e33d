// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "core/cli/commands.hpp"
#include "core/data/channels/cache.hpp"
#include "hilum/error.hpp"

namespace hilum::cli {
namespace {

void cache(bool clear) {
  const auto folder = data::Cache::default_folder();
  if (!folder)
    throw Error("there is no cache: neither HILUM_CACHE nor HOME is set.", Fault::request);
  const data::Cache cache(*folder);
  const auto size = clear ? cache.clear() : cache.size();
  fmt::print("{}{} images of channels, {:.1f} MB, in {}\n", clear ? "removed " : "", size.files,
             static_cast<double>(size.bytes) * 1e-6, folder->string());
}

}  // namespace

void add_data_cache(CLI::App& data) {
  auto* app = data.add_subcommand("cache", "Size of the kept channels (otsu, slic); --clear");
  auto clear = std::make_shared<bool>(false);
  app->add_flag("--clear", *clear, "remove them; they are made again when they are needed");
  app->callback([clear] { cache(*clear); });
}

}  // namespace hilum::cli
