// SPDX-License-Identifier: Apache-2.0
// Between TOML text and the Node tree. The only room that knows the TOML library.
#pragma once
#include <string>

#include "core/config/experiment.hpp"

namespace hilum::config {

/// The tree in file order; `name` is the file as the user named it.
/// Throws Error (Fault::request): `name:line:column: what`.
Node parse_toml(const std::string& text, const std::string& name);
/// A value as the command line gives it: TOML, or a list of bare words, or plain text.
/// The node has no key and no where.
Node parse_argument(const std::string& text);
std::string write_toml(const Node& root);

}  // namespace hilum::config
