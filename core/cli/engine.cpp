// SPDX-License-Identifier: Apache-2.0
// hilum-engine: every command, with LibTorch and ITK.
#include <c10/util/Exception.h>
#include <torch/version.h>

#include "core/cli/commands.hpp"
#include "core/cli/program.hpp"

namespace {

// Our own words, without the backtrace that LibTorch puts into its errors.
std::string what_of(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  return torch_error ? torch_error->what_without_backtrace() : error.what();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Hilum: compose, train and compare multi-task models for lung nodules in CT",
               "hilum"};
  app.set_version_flag("--version", "hilum " HILUM_VERSION ", LibTorch " TORCH_VERSION);
  app.require_subcommand(1);
  app.footer(
      "'hilum COMMAND --help' has the options of a command.\nA first run: hilum run "
      "experiments/quickstart.toml");
  using namespace hilum::cli;
  for (const auto add :
       {add_run, add_resume, add_eval, add_predict, add_table, add_sweep, add_bench, add_plan,
        add_forward, add_runs, add_plugins, add_config, add_data, add_metrics, add_weights,
        add_report, add_doctor, add_describe, add_try})
    add(app);
  add_plugins_bench(*app.get_subcommand("plugins"));
  add_rerun(*app.get_subcommand("runs"));
  add_runs_verify(*app.get_subcommand("runs"));
  return run_program(app, argc, argv, what_of);
}
