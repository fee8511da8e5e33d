// SPDX-License-Identifier: Apache-2.0
// hilum: answers about runs and plugins itself; everything else is hilum-engine's, which takes this
// process over.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/cli/commands.hpp"
#include "core/cli/program.hpp"
#include "core/util/files.hpp"
#include "core/util/heap.hpp"

namespace {

bool light(int argc, char** argv) {
  if (argc < 2) return false;
  const std::string command = argv[1], next = argc > 2 ? argv[2] : "";
  for (const auto& heavy : hilum::cli::kHeavy)
    if (command == heavy.group && next == heavy.name) return false;
  return command == "runs" || command == "plugins";
}

int hand_over(char** argv) {
  const auto engine = hilum::util::this_program().parent_path() / "hilum-engine";
  hilum::util::keep_heap();
  execv(engine.c_str(), argv);
  std::fprintf(stderr, "%s: cannot be started (%s). Is the build complete?\n", engine.c_str(),
               std::strerror(errno));
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (!light(argc, argv)) return hand_over(argv);
  CLI::App app{"Hilum: research on lung nodules in CT", "hilum"};
  app.require_subcommand(1);
  hilum::cli::add_runs(app);
  hilum::cli::add_plugins(app);
  for (const auto& heavy : hilum::cli::kHeavy)  // for their groups' help
    app.get_subcommand(heavy.group)->add_subcommand(heavy.name, heavy.help);
  return hilum::cli::run_program(app, argc, argv,
                                 [](const std::exception& e) { return std::string(e.what()); });
}
