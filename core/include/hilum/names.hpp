// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hilum/error.hpp"

namespace hilum {

using Strings = std::vector<std::string>;

/// The name nearest to `word` (edit distance with swaps), or "" when none is near enough to be
/// meant.
HILUM_API std::string nearest(std::string_view word, const Strings& known);
/// " Did you mean 'x'?" or "", then " Known: a, b, c." where `known` has fewer than ten names.
HILUM_API std::string suggestion(std::string_view word, const Strings& known);
HILUM_API std::string join(const Strings& words, std::string_view separator);
/// True if `text` is [A-Za-z_][A-Za-z0-9_-]*: what instances, stages and plugins may be called.
HILUM_API bool is_name(std::string_view text);

}  // namespace hilum
