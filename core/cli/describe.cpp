// SPDX-License-Identifier: Apache-2.0
// hilum-engine describe-plugin: the child process that looks at libraries for `hilum plugins` and
// the loader.
#include "core/plugins/describe.hpp"

#include "core/cli/commands.hpp"

namespace hilum::cli {

void add_describe(CLI::App& app) {
  auto libraries = std::make_shared<std::vector<std::string>>();
  auto* command =
      app.add_subcommand("describe-plugin", "Loads libraries and prints what they register");
  command->group("");  // not for people
  command->add_option("LIBRARY", *libraries)->required();
  command->callback([libraries] {
    plugins::describe_libraries({libraries->begin(), libraries->end()});
  });
}

}  // namespace hilum::cli
