// SPDX-License-Identifier: Apache-2.0
// What the two programs' main functions share: parse, run the command, turn an error into a message
// and an exit code.
#pragma once
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <string>

#include "core/cli/usage.hpp"
#include "hilum/error.hpp"

namespace hilum::cli {

/// Thrown by a command that has said everything it has to say: only the exit code is left.
struct Exit {
  int code;
};

/// Exit codes: 0 done, 1 the work failed, 2 the request is wrong, 3 the data is wrong, 4 a plugin
/// is wrong, 130 interrupted.
template <class WhatOf>
int run_program(CLI::App& app, int argc, char** argv, WhatOf what_of) {
  app.failure_message(usage_message);
  try {
    if (!names_command(app, argc, argv)) return 2;
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  } catch (const Exit& exit) {
    return exit.code;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.fault);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", what_of(error).c_str());
    return 1;
  }
}

}  // namespace hilum::cli
