// SPDX-License-Identifier: Apache-2.0
// hilum report RUN...|TABLE.toml --html FILE
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "core/cli/commands.hpp"
#include "core/report/html/page.hpp"
#include "core/runs/print/print_parts.hpp"
#include "core/tables/runner.hpp"
#include "core/train/session.hpp"
#include "core/util/files.hpp"
#include "core/util/text.hpp"

namespace hilum::cli {
namespace {
namespace fs = std::filesystem;

struct Options {
  report::PageOptions page;
  Strings named;
  std::vector<double> window;
  std::string html, profile;
};

bool is_table(const Options& o) { return o.named[0].ends_with(".toml"); }

// One run of each row: of the first seed, tested on the first fold, or on the regions marked test.
std::vector<report::Entry> entries_of_table(Options& o) {
  const auto table = report::read_table(o.named[0]);
  if (o.page.title.empty()) o.page.title = table.title;
  const auto& profile = table.profile(o.profile);
  tables::Runner runner(table,
                        tables::jobs_of(table, profile, {o.named.begin() + 1, o.named.end()}),
                        {.engine = {}, .look_only = true, .say = {}});
  runner.run();
  std::vector<report::Entry> entries;
  for (size_t r = 0; r < table.rows.size(); ++r)
    if (!runner.rows()[r].empty() && runner.rows()[r].front().cases.empty())
      entries.push_back({table.rows[r].label, runner.rows()[r].front().id});
  if (entries.empty())
    throw Error("report: no run of " + o.named[0] + " under the profile '" + profile.name +
                    "' is done. Do them first: hilum table " + o.named[0] + " --profile " +
                    profile.name,
                Fault::request);
  return entries;
}

std::vector<report::Entry> entries_of(Options& o) {
  if (is_table(o)) return entries_of_table(o);
  std::vector<report::Entry> entries;
  for (const auto& run : o.named) entries.push_back({"", run});
  return entries;
}

/// The data of the run whose cases are drawn. That they are gone does not keep the figures back.
struct RunData {
  data::RegionSet set;
  report::PageData page;
  std::array<double, 2> window{-1000, 400};
};

std::unique_ptr<RunData> read_data(const runs::Details& run) {
  auto result = std::make_unique<RunData>();
  try {
    const auto options =
        train::read_experiment(config::Document::load(run.folder / "config.toml", {})).first.data;
    if (options.window.size() == 2)
      result->window = std::array{options.window[0], options.window[1]};
    result->set = data::read_regions(options);
    result->page.set = &result->set;
  } catch (const Error& error) {
    result->page.missing = error.what();
  }
  return result;
}

void write_report(Options options) {
  const runs::Reader reader;
  const auto entries = entries_of(options);
  const auto ours =
      reader.show(reader.find(options.page.ours.empty() ? entries.back().run : options.page.ours));
  if (options.page.title.empty())
    options.page.title = entries.size() == 1 ? "Run " + ours.name : "Runs up to " + ours.name;
  options.page.version = HILUM_VERSION;
  options.page.date = runs::local_time(util::now());
  const auto data = read_data(ours);
  options.page.window = data->window;
  if (!options.window.empty())
    options.page.window = std::array{options.window[0], options.window[1]};
  if (!(options.page.window[0] < options.page.window[1]))
    throw Error("report: --window: the first value must be below the second", Fault::request);
  const auto page = report::html_page(entries, reader, data->page, options.page);
  util::write_file(options.html, page);
  fmt::print("{}: {} runs, {:.2f} MB\n", options.html, entries.size(),
             static_cast<double>(page.size()) / 1e6);
  if (!data->page.set) fmt::print(stderr, "There are no pictures: {}\n", data->page.missing);
}

}  // namespace

void add_report(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->page.title.clear();
  auto* command = app.add_subcommand(
      "report", "runs as one HTML file: curves, cases with contours, every nodule's figures");
  command
      ->add_option(
          "RUN", options->named,
          "ids, starts of them, names (the newest) or @last: the baseline first, ours last; or a "
          "table's file and its overrides: a run of each row")
      ->required();
  command->add_option("--html", options->html, "the file, which needs nothing beside it")
      ->required();
  command->add_option("--profile", options->profile, "of a table; default: its first");
  command->add_option("--ours", options->page.ours, "the run drawn red; else the last");
  command->add_option("--baseline", options->page.baseline, "the run drawn blue; else the first");
  command->add_option("--output", options->page.output, "the mask that is drawn; else the first");
  auto* cases = command->add_option("--cases", options->page.cases,
                                    "so many: a half the worst, a quarter each median and best");
  cases->check(CLI::Range(0, 1000))->capture_default_str();
  command->add_option("--ids", options->page.ids, "draw these nodules instead: a,b,c")
      ->delimiter(',')
      ->excludes(cases);
  command->add_option("--window", options->window, "HU that are black and white; else the run's")
      ->delimiter(',')
      ->expected(2);
  command->add_option("--title", options->page.title, "what the page is called");
  command->callback([options] { write_report(*options); });
}

}  // namespace hilum::cli
