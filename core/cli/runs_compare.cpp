// SPDX-License-Identifier: Apache-2.0
// hilum runs compare | diff: is it better, and what was different?
#include <iostream>

#include "core/cli/commands.hpp"
#include "core/report/runs/compare.hpp"

namespace hilum::cli {
namespace {

struct Request {
  Strings runs, metrics;
  bool json = false, md = false, csv = false;
  report::Format format() const {
    return json  ? report::Format::json
           : md  ? report::Format::md
           : csv ? report::Format::csv
                 : report::Format::text;
  }
};

std::shared_ptr<Request> declare(CLI::App& command) {
  auto request = std::make_shared<Request>();
  command
      .add_option("RUN", request->runs,
                  "Ids, starts of them, names (the newest) or @last; two or more")
      ->required();
  auto* json = command.add_flag("--json", request->json, "One JSON document on stdout");
  command.add_flag("--md", request->md, "As Markdown")->excludes(json);
  return request;
}

}  // namespace

void add_runs_compare(CLI::App& group) {
  auto* command = group.add_subcommand(
      "compare", "Runs against the first one: what differs, and whether the figures do");
  auto request = declare(*command);
  command->add_option("--metric", request->metrics, "mask.dice, or dice for all that end so");
  command->add_flag("--csv", request->csv, "The figures as CSV")->excludes("--json", "--md");
  command->footer(
      "Paired over patients: bootstrap intervals, Wilcoxon or sign flips or DeLong, Holm over the "
      "runs.\nWhere runs of the same options with other seeds are in the store, a difference "
      "inside their spread is noise.");
  command->callback([request] {
    const runs::Reader reader;
    std::cout << report::print(
        report::compare_runs(reader, request->runs, {.metrics = request->metrics}),
        request->format());
  });

  auto* diff = group.add_subcommand("diff", "How runs differ in options, plugins, data and code");
  auto plain = declare(*diff);
  diff->callback([plain] {
    std::cout << report::print(report::differences(runs::Reader(), plain->runs), plain->format());
  });
}

}  // namespace hilum::cli
