// SPDX-License-Identifier: Apache-2.0
// Declarations as JSON: what the child process says, what the cache holds, what `plugins info`
// prints.
#pragma once
#include <nlohmann/json.hpp>

#include "hilum/schema.hpp"

namespace hilum::plugins {

/// Without `validate`.
nlohmann::ordered_json to_json(const Declaration& declaration);
/// With a `validate` that checks types, ranges, choices and names. Throws nlohmann::json::exception
/// or Error for JSON of another form.
Declaration declaration_from(const nlohmann::ordered_json& json);
/// Text that is valid UTF-8 whatever a plugin put in.
std::string dump(const nlohmann::ordered_json& json, int indent = -1);

}  // namespace hilum::plugins
