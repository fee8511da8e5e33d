// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

namespace hilum::runs {

/// A ULID: 26 characters of Crockford's base 32, 48 bits of milliseconds and then 80 random bits,
/// so that text order is time order. The result is greater than `newest` ("" or a ULID) even when
/// the clock is not.
std::string new_ulid(const std::string& newest);
/// A-Z and 0-9 without I, L, O, U; any case.
bool is_ulid_prefix(const std::string& text);

}  // namespace hilum::runs
