// SPDX-License-Identifier: Apache-2.0
// hilum-engine try-plugin: the child process that runs the battery for `hilum plugins check`.
#include "core/author/battery/battery.hpp"
#include "core/cli/commands.hpp"

namespace hilum::cli {

void add_try(CLI::App& app) {
  struct Request {
    std::string library, address;
    Strings checks;
  };
  auto request = std::make_shared<Request>();
  auto* command = app.add_subcommand("try-plugin", "Runs checks of a plugin and prints each");
  command->group("");  // not for people
  command->add_option("LIBRARY", request->library)->required();
  command->add_option("KIND/NAME", request->address)->required();
  command->add_option("CHECK", request->checks);
  command->callback(
      [request] { author::try_in_child(request->library, request->address, request->checks); });
}

}  // namespace hilum::cli
