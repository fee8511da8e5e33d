// SPDX-License-Identifier: Apache-2.0
// What Document::load is made of: one layer over another, overrides over all.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "core/config/experiment.hpp"

namespace hilum::config {

inline constexpr char kCommandLine[] = "command line: ";

/// A section with a fixed schema; `parameters` have dotted names where it has tables of its own.
struct Section {
  std::string name;
  std::vector<Parameter> parameters;
};
const std::vector<Section>& sections();
/// "augment" for "augment.flip": true if some parameter stands in a table of this name.
bool is_table_of(const std::vector<Parameter>& parameters, const std::string& name);
Strings names_of(const std::vector<Parameter>& parameters);
Strings keys_of(const Node& table);

/// Puts `node` into `table`, over what has its key. A `plugin` that changes marks the options
/// beside it.
void assign(Node& table, Node node);
/// Later wins; tables merge, all else is replaced.
void merge(Node& into, Node from);
/// Makes the paths that a layer says absolute.
void resolve_paths(Node& root, const std::filesystem::path& folder);
/// a.b=v, +a.b=v or ~a.b. Throws Error (Fault::request).
void apply_override(Node& root, const std::string& text);

}  // namespace hilum::config
