// SPDX-License-Identifier: Apache-2.0
// What the `hilum runs` commands share.
#pragma once
#include <CLI/CLI.hpp>

#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>

#include "core/runs/queries.hpp"
#include "hilum/error.hpp"

namespace hilum::cli {

inline constexpr const char* kRun = "Id, the start of one, name (its newest) or @last";
inline constexpr const char* kRuns = "Ids, starts of them, names (the newest) or @last";
inline constexpr const char* kWhere =
    "Choose by metrics, parameters and parts: \"dice>0.8 and backbone='unet'\"";

/// Of --top: CLI11's own NonNegativeNumber tells the range of a double.
inline const CLI::Range kCount{int64_t{0}, int64_t{1'000'000'000}};

/// The output formats of a command, one at most.
struct Format {
  bool json = false, csv = false, md = false;
  bool table() const { return !json && !csv && !md; }
};
inline void add_format(CLI::App& command, Format& format, const std::string& what) {
  auto* json = command.add_flag("--json", format.json, what + " as one JSON document");
  command.add_flag("--csv", format.csv, what + " as CSV")->excludes(json);
}
/// Behind add_format, for what is a table.
inline void add_md(CLI::App& command, Format& format, const std::string& what) {
  command.add_flag("--md", format.md, what + " as Markdown")->excludes("--json")->excludes("--csv");
}

/// What an empty answer says.
inline std::string none_of(const runs::Reader& reader) {
  const auto count = reader.count();
  if (count == 0)
    return "No runs in " + reader.folder().string() +
           " yet. `hilum run EXPERIMENT.toml` records one.\n";
  return "None of the " + std::to_string(count) + " runs matches.\n";
}

/// Asks on the terminal; without one, Error (request) with `instead`.
inline bool agreed(const std::string& question, const std::string& instead) {
  if (isatty(STDIN_FILENO) == 0) throw Error(instead, Fault::request);
  std::cerr << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

// A command a function; each file has one or two.
void add_runs_list(CLI::App& group);
void add_runs_best(CLI::App& group);
void add_runs_edit(CLI::App& group);  // tag, note, rm
void add_runs_export(CLI::App& group);
void add_runs_gc(CLI::App& group);

}  // namespace hilum::cli
