// SPDX-License-Identifier: Apache-2.0
// What a plugin's factories give, held to their promise before anything uses it.
#pragma once
#include <memory>

#include "hilum/plugin.hpp"

namespace hilum::model {

/// The plugin's part. Throws Error (plugin) where its factory gives none, or one of another kind.
template <class P>
std::shared_ptr<P> make_part(const Plugin& plugin, const Values& options, const Site& at) {
  const auto part = plugin.make(options, at);
  if (!part) throw Error("its factory returned nothing", Fault::plugin);
  auto made = std::dynamic_pointer_cast<P>(part);
  if (!made) throw Error("its factory returned a part of another kind", Fault::plugin);
  return made;
}

/// The stage's module and how to call it. Throws Error (plugin) where there is none.
inline Block make_block(const Stage& stage, const Site& at) {
  Block block = stage.make(at);
  if (!block.module)
    throw Error("the function of stage '" + stage.name + "' returned no module", Fault::plugin);
  return block;
}

}  // namespace hilum::model
