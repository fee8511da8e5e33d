// SPDX-License-Identifier: Apache-2.0
// Command lines that CLI11 refuses, said as the rest of the program says it: where, what, the
// nearest name.
#pragma once
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <string>

#include "hilum/error.hpp"
#include "hilum/names.hpp"

namespace hilum::cli {

/// A word that names no command is an Error (request), with the nearest one. False: a command is
/// missing, and the help of the group was printed.
inline bool names_command(const CLI::App& program, int argc, char** argv) {
  const CLI::App* app = &program;
  std::string path = app->get_name();
  for (int i = 1;; ++i) {
    Strings known;
    const auto commands = app->get_subcommands([](const CLI::App*) { return true; });
    if (commands.empty()) return true;
    if (i == argc) return std::fputs(app->help(path).c_str(), stderr), false;
    const std::string word = argv[i];
    if (word.starts_with('-')) return true;
    const auto found = std::find_if(commands.begin(), commands.end(),
                                    [&](const CLI::App* c) { return c->check_name(word); });
    if (found == commands.end()) {
      for (const auto* command : commands)
        if (!command->get_group().empty()) known.push_back(command->get_name());  // not hidden
      const std::string near = nearest(word, known);
      throw Error(path + ": no command '" + word + "'." +
                      (near.empty() ? "" : " Did you mean '" + near + "'?") +
                      " Commands: " + join(known, ", ") + ".",
                  Fault::request);
    }
    app = *found;
    path += " " + word;
  }
}

/// What is printed for CLI11's own errors: the command, its words, the option that was meant.
inline std::string usage_message(const CLI::App* program, const CLI::Error& error) {
  const CLI::App* app = program;
  std::string path = app->get_name();
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
    path += " " + app->get_name();
  }
  std::string text = error.what();
  const auto word = text.rfind(' ') == std::string::npos ? text : text.substr(text.rfind(' ') + 1);
  Strings options;
  for (const auto* option : app->get_options())
    for (const auto& name : option->get_lnames()) options.push_back("--" + name);
  const bool unknown = dynamic_cast<const CLI::ExtrasError*>(&error) && word.starts_with("--");
  const std::string near = unknown ? nearest(word, options) : "";
  if (!near.empty()) text += ". Did you mean '" + near + "'?";
  return path + ": " + text + "\n" + path + " --help lists the options.\n";
}

}  // namespace hilum::cli
