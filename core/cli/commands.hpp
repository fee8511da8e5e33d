// SPDX-License-Identifier: Apache-2.0
// One file a command, thin: parse, call, print. Each adds its subcommand to the program; the work
// happens in the subcommand's callback, which throws hilum::Error and sets the exit code by its
// fault.
#pragma once
#include <CLI/CLI.hpp>

namespace hilum::cli {

// Without LibTorch (the program `hilum` itself runs them, in milliseconds).
void add_runs(CLI::App& app);
void add_runs_compare(CLI::App& runs);  // a part of `runs`
void add_plugins(CLI::App& app);
void add_plugins_check(CLI::App& plugins);  // a part of `plugins`
void add_plugins_new(CLI::App& plugins);    // a part of `plugins`
// With LibTorch or ITK (the program hands them to hilum-engine).
void add_run(CLI::App& app);
void add_resume(CLI::App& app);
void add_eval(CLI::App& app);
void add_predict(CLI::App& app);
void add_table(CLI::App& app);
void add_sweep(CLI::App& app);
void add_bench(CLI::App& app);
void add_plan(CLI::App& app);
void add_forward(CLI::App& app);
void add_config(CLI::App& app);
void add_metrics(CLI::App& app);
void add_weights(CLI::App& app);
void add_report(CLI::App& app);
void add_data(CLI::App& app);
void add_data_split(CLI::App& data);  // a part of `data`
void add_data_show(CLI::App& data);   // a part of `data`
void add_data_cache(CLI::App& data);  // under data
void add_doctor(CLI::App& app);
void add_plugins_bench(CLI::App& plugins);  // a part of `plugins`
void add_rerun(CLI::App& runs);             // a part of `runs`
void add_runs_verify(CLI::App& runs);       // a part of `runs`
// Hidden: child processes that look at plugin libraries.
void add_describe(CLI::App& app);
void add_try(CLI::App& app);

/// What of the light groups needs LibTorch: the program `hilum` knows its name and help, and hands
/// it over.
struct Heavy {
  const char *group, *name, *help;
};
inline constexpr Heavy kBench{
    "plugins", "bench", "Time of a plugin, forward and backward; compared with what was before"};
inline constexpr Heavy kRerun{"runs", "rerun", "Train a run again, from its own configuration"};
inline constexpr Heavy kVerify{"runs", "verify",
                               "Was a run resumed exactly; are two runs the same, step by step?"};
inline constexpr Heavy kHeavy[] = {kBench, kRerun, kVerify};

}  // namespace hilum::cli
