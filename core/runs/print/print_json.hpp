// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>

#include "core/runs/queries.hpp"

namespace hilum::runs {

using Json = nlohmann::ordered_json;  // keys in the order a person reads them

/// Indented JSON. Bytes that are no UTF-8 (a host's name, a file's) do not cost the whole answer.
std::string dump(const Json& json);
/// null for "".
Json optional_text(const std::string& text);
/// A number as a number (null for infinity, which JSON has not), NULL as null.
Json value_json(const Cell& cell);
Json summary_json(const Summary& run);

}  // namespace hilum::runs
