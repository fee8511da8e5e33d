// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <vector>

#include "core/plugins/catalog.hpp"

namespace hilum::plugins {

/// The plugins of one registry.toml. Its form: a table "kind/name" a plugin, with
///   library = "backbone_unet.so"   # relative to the registry's folder
/// Throws Error (Fault::plugin): file:line:column and what is wrong.
std::vector<Entry> read_registry(const std::filesystem::path& file);
/// A folder: its registry.toml where it has one, else its files <kind>_<name>.so.
std::vector<Entry> read_folder(const std::filesystem::path& folder);
/// "backbone_unet.so" -> kind and name; false where the name is not of that form.
bool parse_file_name(const std::filesystem::path& library, Entry& entry);

const Strings& kinds();

}  // namespace hilum::plugins
