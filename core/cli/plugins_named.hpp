// SPDX-License-Identifier: Apache-2.0
// What the commands of `hilum plugins` share.
#pragma once
#include <nlohmann/json.hpp>

#include "core/plugins/catalog.hpp"
#include "core/plugins/declaration_json.hpp"

namespace hilum::cli {

/// A library's file (it ends in .so), KIND/NAME, or a name alone where one kind has it. Several
/// entries where a name is in two places. Throws Error (request) for a name that there is not, with
/// the nearest one, and for a name of several kinds.
std::vector<plugins::Entry> named_plugins(const plugins::Catalog& catalog, const std::string& text);

/// `whole`: with the options.
nlohmann::ordered_json to_json(const plugins::Description& description, bool whole);

/// Notes on stderr of places that could not be read, since they hide plugins.
void tell_places(const plugins::Catalog& catalog);

}  // namespace hilum::cli
