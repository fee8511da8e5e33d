// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>

#include "core/cli/commands.hpp"
#include "core/data/roi_set.hpp"
#include "core/data/split_file.hpp"
#include "core/util/files.hpp"
#include "core/util/text.hpp"

namespace hilum::cli {
namespace {
namespace fs = std::filesystem;

struct MakeOptions {
  config::DataOptions data;
  data::FoldRules rules;
  std::string by = "patient", out;
  bool force = false;
};

/// Regions, patients and the share of each stratum, a line a fold.
std::string table_of(const data::RegionSet& set, const data::Folds& made) {
  struct Count {
    int64_t regions = 0;
    std::set<std::string> patients;
    std::map<size_t, int64_t> strata;
  };
  std::map<std::string, Count> counts, all;
  const auto& strata = made.strata;
  for (size_t i = 0; i < set.regions.size(); ++i)
    for (auto* count : {&counts[made.of.at(set.regions[i].id)], &all["all"]}) {
      ++count->regions;
      count->patients.insert(set.regions[i].patient);
      if (!strata.names.empty()) ++count->strata[strata.region[i]];
    }
  std::vector<Strings> rows = {{"fold", "regions", "patients"}};
  const auto used = [&](size_t stratum) { return all["all"].strata.contains(stratum); };
  for (size_t s = 0; s < strata.names.size(); ++s)
    if (used(s)) rows[0].push_back(strata.names[s]);
  const auto add = [&](const std::string& fold, Count& count) {
    rows.push_back({fold, std::to_string(count.regions), std::to_string(count.patients.size())});
    for (size_t s = 0; s < strata.names.size(); ++s)
      if (used(s))
        rows.back().push_back(fmt::format("{:.1f} %", 100.0 * static_cast<double>(count.strata[s]) /
                                                          static_cast<double>(count.regions)));
  };
  std::vector<std::string> names;
  for (const auto& [fold, count] : counts) names.push_back(fold);
  std::sort(names.begin(), names.end(), [](const auto& a, const auto& b) {  // 2 before 10
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  for (const auto& fold : names) add(fold, counts[fold]);
  add("all", all["all"]);
  return util::table(rows);
}

void make(MakeOptions& o) {
  o.rules.by_lesion = o.by == "lesion";
  // Folds that cut patients get a name that says so.
  const fs::path file = !o.out.empty() ? fs::path(o.out)
                                       : fs::path(o.data.source) /
                                             (o.rules.by_lesion ? "folds-lesion.csv" : "folds.csv");
  if (o.data.source == "phantom" && o.out.empty())
    throw Error("hilum data split make: phantoms in memory have no folder. Name a file with -o.",
                Fault::request);
  if (fs::exists(file) && !o.force)
    throw Error(file.string() +
                    ": exists. Results on the old folds could no longer be repeated: "
                    "choose another file with -o, or replace it with --force.",
                Fault::request);
  data::require_source(o.data);
  const auto set = o.data.source == "phantom"  // folds that are there already are not read
                       ? data::read_regions(o.data)
                       : data::read_roi_set(o.data.source, o.data);
  const auto made = data::make_folds(set, o.rules);
  util::write_file(file, data::folds_text(set, made.of));
  fmt::print("{}\n{}: seed {}, by {}\n", table_of(set, made), file.string(), o.rules.seed, o.by);
  for (const auto& note : made.notes) fmt::print("note: {}\n", note);
  std::set<std::string> cut;
  for (const auto& leak : data::find_fold_leaks(set, made.of))
    if (leak.what == "patient") cut.insert(leak.name);
  if (o.rules.by_lesion)
    fmt::print(
        "warning: a split by lesion: {} patients stand in several folds, so that results are "
        "better than on new patients. Training accepts it with data.split = \"lesion\" alone, "
        "which marks the run.\n",
        cut.size());
}

void check(config::DataOptions& options) {
  const fs::path file =
      options.folds.empty() ? fs::path(options.source) / "folds.csv" : fs::path(options.folds);
  data::require_source(options);
  if (!fs::exists(file))
    throw Error(file.string() + ": no such file. `hilum data split make` makes one.",
                Fault::request);
  options.folds = file.string();
  const auto set = data::read_regions(options);
  const auto leaks = data::find_fold_leaks(set, set.folds);
  for (const auto& leak : leaks)
    fmt::print("{} {}: '{}' in fold {} and '{}' in fold {}\n", leak.what, leak.name, leak.other_id,
               leak.other_fold, leak.id, leak.fold);
  std::fflush(stdout);
  if (!leaks.empty())
    throw Error(file.string() + ": the folds share " + std::to_string(leaks.size()) +
                    " times what one fold has to have alone. `hilum data split make` keeps "
                    "patients together.",
                Fault::data);
  fmt::print("{}: {} regions in {} folds share no patient, series, nodule or image\n",
             file.string(), set.regions.size(), data::fold_names(set).size());
}

void add_make(CLI::App& split) {
  auto* app = split.add_subcommand("make", "Deal patients to folds and write folds.csv");
  auto o = std::make_shared<MakeOptions>();
  o->data.malignancy = "raw";
  app->add_option("DIR", o->data.source, "the set's folder (or 'phantom')")->required();
  app->add_option("--folds", o->rules.folds, "how many")
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();
  app->add_option("--stratify", o->rules.stratify,
                  "a target whose values are spread evenly: each value, or quarters of many");
  app->add_option("--malignancy", o->data.malignancy,
                  "what ratings become before: raw, drop3, benign3, malignant3")
      ->check(CLI::IsMember({"raw", "drop3", "benign3", "malignant3"}))
      ->capture_default_str();
  app->add_option("--test", o->rules.test, "share of the regions that is marked 'test'")
      ->check(CLI::Range(0.0, 0.9));
  app->add_option("--by", o->by,
                  "patient, or lesion: as some papers do, with one patient in several folds")
      ->check(CLI::IsMember({"patient", "lesion"}))
      ->capture_default_str();
  app->add_option("--seed", o->rules.seed, "another seed makes other folds")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->add_option("-o,--out", o->out, "file; default: folds.csv in DIR (folds-lesion.csv)");
  app->add_flag("--force", o->force, "replace the file");
  app->callback([o] { make(*o); });
}

void add_check(CLI::App& split) {
  auto* app = split.add_subcommand(
      "check", "Name every patient, series, nodule and image that stands in several folds");
  auto o = std::make_shared<config::DataOptions>();
  o->malignancy = "raw";
  app->add_option("DIR", o->source, "the set's folder")->required();
  app->add_option("--folds", o->folds, "folds file; default: folds.csv in the folder");
  app->callback([o] { check(*o); });
}

}  // namespace

void add_data_split(CLI::App& data) {
  auto* split = data.add_subcommand("split", "Folds: make them once, check that they do not leak");
  split->require_subcommand(1);
  add_make(*split);
  add_check(*split);
}

}  // namespace hilum::cli
