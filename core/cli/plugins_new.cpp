// SPDX-License-Identifier: Apache-2.0
// hilum plugins new: a plugin to begin with, in a folder of its author's.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "core/author/scaffold/scaffold.hpp"
#include "core/cli/commands.hpp"
#include "core/plugins/catalog.hpp"
#include "core/util/files.hpp"
#include "core/util/text.hpp"

namespace hilum::cli {
namespace {
namespace fs = std::filesystem;

struct Request {
  std::string kind, name, folder;
};

// True if a shell that is asked for `hilum` starts this one; CMake finds its package then, too.
bool on_path(const fs::path& bin) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::error_code none;
    if (!folder.empty() && fs::exists(fs::path(folder) / "hilum", none))
      return fs::path(folder).filename() == "bin" && fs::equivalent(folder, bin, none);
  }
  return false;
}

// Two plugins of one name could not be told apart.
void refuse_shipped(const Request& request) {
  for (const auto& entry : plugins::Catalog().entries())
    if (entry.own && entry.kind == request.kind && entry.name == request.name)
      throw Error("'" + entry.address() +
                      "' came with Hilum, and an experiment could not tell the two apart. Choose "
                      "another name.",
                  Fault::request);
}

void print_next(const Request& request) {
  const fs::path bin = util::this_program().parent_path();
  const bool known = on_path(bin);
  const std::string hilum = known ? "hilum" : util::shell_word((bin / "hilum").string());
  const std::string prefix =
      known ? "" : " " + util::shell_word("-DCMAKE_PREFIX_PATH=" + bin.parent_path().string());
  const auto& name = request.name;
  std::cout << fmt::format(
      "\nNext:\n    cd {0}\n    cmake -B build{1}\n    cmake --build build -j\n"
      "    ctest --test-dir build --output-on-failure\n    {2} run {3}.toml\n"
      "    {2} plugins bench build/{4}_{3}.so --cases {3}_bench.toml\n"
      "Then change {3}.cpp, build and run again.\n",
      util::shell_word(request.folder), prefix, hilum, name, request.kind);
}

void make(Request& request) {
  const auto files = author::scaffold(request.kind, request.name);
  refuse_shipped(request);
  if (request.folder.empty()) request.folder = request.name;
  for (const auto& file : author::write_new(files, request.folder))
    std::cout << "wrote " << file.string() << "\n";
  print_next(request);
}

}  // namespace

void add_plugins_new(CLI::App& plugins) {
  auto* command = plugins.add_subcommand(
      "new", "A plugin to begin with: a source that works, its test, benchmark and experiment");
  auto request = std::make_shared<Request>();
  command->add_option("KIND", request->kind, "backbone, fusion, regularizer or head")->required();
  command->add_option("NAME", request->name, "What experiments call it: letters, digits and _")
      ->required();
  command->add_option("--dir", request->folder, "Where to write; default: a folder of its name");
  command->footer("  hilum plugins new fusion gated --dir my/");
  command->callback([request] { make(*request); });
}

}  // namespace hilum::cli
