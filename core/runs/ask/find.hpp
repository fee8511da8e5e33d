// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "core/runs/sqlite/connection.hpp"

namespace hilum::runs {

/// The id of RUN: an id, a unique prefix of one (any case), a name (its newest) or @last. Throws
/// Error (request) with near names, with all matches of an ambiguous prefix, or with where an empty
/// store is. Call inside Connection::read or write.
std::string find_id(Connection& store, const std::string& run);
/// The shortest prefix of the id that no other id has, and at least 8 characters.
std::string short_id(Connection& store, const std::string& id);
Error empty_store(const std::filesystem::path& folder);

}  // namespace hilum::runs
