// SPDX-License-Identifier: Apache-2.0
// What a new plugin may be called, and what its C++ type is called then.
#pragma once
#include <string>
#include <string_view>

namespace hilum::author {

/// Throws Error (request) where `name` cannot be a file, a C++ identifier and a key in TOML at
/// once.
void check_name(const std::string& kind, const std::string& name);
/// "my_gate" -> "MyGate".
std::string type_name(const std::string& name);
/// True if `word` stands in `text` by itself: no letter or digit beside it. '_' is none, so that
/// "gated" stands in "gated_test".
bool has_word(std::string_view text, std::string_view word);
/// Every such `word` becomes `other`.
std::string replace_word(std::string_view text, std::string_view word, std::string_view other);

}  // namespace hilum::author
