// SPDX-License-Identifier: Apache-2.0
// A child process that runs a plugin's code, and how it speaks to its parent: a JSON document a
// line on what was the standard output.
#pragma once
#include <nlohmann/json_fwd.hpp>

namespace hilum::plugins {

/// This process dies with its parent, leaves no core file and says {"exit": code} where a library
/// calls exit(). What a library prints goes to standard error. To be called once, first.
void become_child();
void say(const nlohmann::ordered_json& json);

}  // namespace hilum::plugins
