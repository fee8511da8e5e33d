// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

namespace hilum::runs {

/// Four digits, for people.
std::string shown(double value);
/// "2026-11-22 01:13" in the time zone of whoever reads; "" for no time.
std::string local_time(const std::string& time);

}  // namespace hilum::runs
