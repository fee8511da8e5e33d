// SPDX-License-Identifier: Apache-2.0
// What every plugin must do, whatever it computes: a battery of checks over any plugin. They run
// the plugin's code in this process; core/plugins/trial.hpp runs them in a child.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/plugins/trial.hpp"
#include "hilum/names.hpp"

namespace hilum {
struct Plugin;
}

namespace hilum::author {

/// The checks of a kind of plugin, in their order: name and meaning. Kinds have a few of their own.
struct CheckName {
  std::string name, meaning;
};
std::vector<CheckName> battery(const std::string& kind);

/// Makes one check. `alive` is told what is tried, before it is. Whatever the plugin throws is a
/// finding; throws Error (request) for a check that its kind does not have.
plugins::Finding perform(const std::string& check, const Plugin& plugin,
                         const std::function<void(const std::string&)>& alive = {});

/// The child's side of plugins::try_plugin: loads the library, makes the checks (none named: all)
/// and says what comes of each. Ends the process.
[[noreturn]] void try_in_child(const std::string& library, const std::string& address,
                               const Strings& checks);

}  // namespace hilum::author
