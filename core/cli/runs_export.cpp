// SPDX-License-Identifier: Apache-2.0
// hilum runs export
#include <algorithm>

#include "core/cli/runs_parts.hpp"
#include "core/runs/tidy/export.hpp"
#include "hilum/names.hpp"

namespace hilum::cli {
namespace {

struct Request {
  Strings named;
  std::string where, csv, json;
};

Strings chosen(const runs::Reader& reader, const Request& request) {
  if (request.named.empty()) return reader.ids({.where = request.where});
  Strings ids;
  for (const auto& run : request.named) {
    const std::string id = reader.find(run);
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

void write(const Request& request) {
  if (request.csv.empty() == request.json.empty())
    throw Error("runs export: give --csv FOLDER (a file a table) or --json FOLDER (a file a run).",
                Fault::request);
  if (!request.named.empty() && !request.where.empty())
    throw Error("runs export: name runs or choose them with --where, not both.", Fault::request);
  const runs::Reader reader;
  const Strings ids = chosen(reader, request);
  if (ids.empty()) {
    std::cout << none_of(reader) << "Nothing was exported.\n";
    return;
  }
  const auto format = request.csv.empty() ? runs::ExportFormat::json : runs::ExportFormat::csv;
  const std::string& folder = request.csv.empty() ? request.json : request.csv;
  const auto done = runs::export_runs(reader, ids, format, folder);
  std::cout << done.runs << (done.runs == 1 ? " run in " : " runs in ") << done.files
            << (done.files == 1 ? " file: " : " files: ") << folder << "\n";
}

}  // namespace

void add_runs_export(CLI::App& group) {
  auto* command =
      group.add_subcommand("export", "Everything of runs as CSV or JSON, for other programs");
  auto request = std::make_shared<Request>();
  command->add_option("RUN", request->named, std::string(kRuns) + "; none: all, or --where");
  command->add_option("--where", request->where, kWhere);
  auto* csv = command->add_option(
      "--csv", request->csv, "Folder for runs.csv, params.csv, metrics.csv, ...: a file a table");
  command->add_option("--json", request->json, "Folder for <id>.json: a file a run")->excludes(csv);
  command->callback([request] { write(*request); });
}

}  // namespace hilum::cli
