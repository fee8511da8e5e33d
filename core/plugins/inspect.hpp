// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <vector>

#include "core/plugins/catalog.hpp"

namespace hilum::plugins {

/// Keys of the core that stand in the same tables as a plugin's options.
const Strings& reserved_options();

/// Steps `names` and `options`: what is wrong with what a library registered. `promised`:
/// "backbone/unet".
std::optional<Failure> inspect(const std::vector<const Declaration*>& registered,
                               const Strings& promised);

}  // namespace hilum::plugins
