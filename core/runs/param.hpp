// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "core/runs/store.hpp"

namespace hilum::runs {

/// The value as the store keeps it: a string is what it says, without TOML's quotes, so that
/// --where "train.optimizer = adam" finds it.
std::string stored_value(const NewRun::Param& param);
/// The number that the whole text is, if it is one.
std::optional<double> as_number(const std::string& text);

}  // namespace hilum::runs
