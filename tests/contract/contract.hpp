// SPDX-License-Identifier: Apache-2.0
// The plugins of every registry that is searched, the tests' own among them.
#pragma once
#include <string>

#include "core/author/battery/subject.hpp"
#include "core/plugins/loader.hpp"

namespace hilum::contract {

plugins::Loader& loader();
/// "backbone/unet", sorted.
Strings addresses();
/// The addresses of one kind.
Strings of_kind(const std::string& kind);
/// Loaded; the same object for the whole program.
const Plugin& plugin(const std::string& address);

}  // namespace hilum::contract
