// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/cli/commands.hpp"
#include "core/cli/prepare.hpp"
#include "core/data/phantom.hpp"
#include "core/data/roi_set.hpp"
#include "core/data/summary.hpp"
#include "core/util/text.hpp"

namespace hilum::cli {
namespace {
namespace fs = std::filesystem;
using data::Range;
using data::Summary;

void phantom(const config::DataOptions& options, const fs::path& out) {
  if (fs::exists(out / "index.csv"))
    throw Error(out.string() + ": holds a ROI set already. Choose another folder.", Fault::request);
  const auto set = data::read_regions(options);
  data::write_roi_set(set, out);
  fmt::print("{} phantoms of {} patients in {}\n", set.regions.size(),
             data::summarise(set).patients, out.string());
}

std::string text(const Range& r) {
  return r.low == r.high ? fmt::format("{:g}", r.low)
                         : fmt::format("{:g} to {:g}, median {:g}", r.low, r.high, r.median);
}

std::string report(const data::RegionSet& set, const Summary& s) {
  std::string out = fmt::format("{}: {} regions of {} patients\n", set.name, s.regions, s.patients);
  const char* axes[] = {"D", "H", "W"};
  std::vector<std::vector<std::string>> rows = {{"axis", "voxels", "spacing, mm"}};
  for (size_t i = 0; i < 3; ++i) rows.push_back({axes[i], text(s.size[i]), text(s.spacing[i])});
  out += "\n" + util::table(rows);
  rows = {{"target", "known", "values"}};
  for (const auto& t : s.targets) rows.push_back({t.name, std::to_string(t.known), text(t.range)});
  if (rows.size() > 1) out += "\n" + util::table(rows);
  rows = {{"fold", "regions", "patients"}};
  for (const auto& [fold, n] : s.folds)
    rows.push_back({fold, std::to_string(n.regions), std::to_string(n.patients)});
  out += "\n" + util::table(rows);
  out += fmt::format("\nnodules: {} mm3; {} empty masks\n", text(s.volume), s.empty_masks);
  if (s.flipped > 0)
    out += fmt::format("orientation: {} regions have x or y reversed in their header\n", s.flipped);
  for (const auto& line : s.duplicates) out += "duplicate: " + line + "\n";
  for (const auto& w : s.warnings) {
    Strings ids;
    for (const auto& id : w.ids) ids.push_back("'" + id + "'");
    if (w.count > static_cast<int64_t>(ids.size())) ids.push_back("...");
    out += fmt::format("warning: {} of {} regions: {}: {}\n", w.count, s.regions, w.what,
                       join(ids, ", "));
  }
  return out + "fingerprint: " + set.fingerprint + "\n";
}

nlohmann::json to_json(const Range& r) {
  return {{"min", r.low}, {"median", r.median}, {"max", r.high}};
}

nlohmann::json to_json(const data::RegionSet& set, const Summary& s) {
  nlohmann::json out = {{"name", set.name},
                        {"regions", s.regions},
                        {"patients", s.patients},
                        {"empty_masks", s.empty_masks},
                        {"flipped", s.flipped},
                        {"volume_mm3", to_json(s.volume)},
                        {"duplicates", s.duplicates},
                        {"leaks", s.leaks},
                        {"fingerprint", set.fingerprint}};
  for (size_t i = 0; i < 3; ++i) {
    out["size"].push_back(to_json(s.size[i]));
    out["spacing_mm"].push_back(to_json(s.spacing[i]));
  }
  out["targets"] = nlohmann::json::object();
  for (const auto& t : s.targets) {
    out["targets"][t.name] = to_json(t.range);
    out["targets"][t.name]["known"] = t.known;
  }
  for (const auto& [fold, n] : s.folds)
    out["folds"][fold] = {{"regions", n.regions}, {"patients", n.patients}};
  out["warnings"] = nlohmann::json::array();
  for (const auto& w : s.warnings)
    out["warnings"].push_back(
        {{"check", w.check}, {"what", w.what}, {"count", w.count}, {"ids", w.ids}});
  return out;
}

void check(const config::DataOptions& options, bool json) {
  const auto set = data::read_regions(options);
  const auto summary = data::summarise(set);
  fmt::print("{}", json ? to_json(set, summary).dump(2) + "\n" : report(set, summary));
  std::fflush(stdout);
  if (!summary.leaks.empty())
    throw Error(set.name + ": the folds leak: " + join(summary.leaks, "; ") + ".", Fault::data);
}

void add_phantom(CLI::App& data) {
  auto* app = data.add_subcommand(
      "phantom", "Write synthetic nodules as a ROI set (NIfTI, index.csv, folds.csv)");
  auto o = std::make_shared<config::DataOptions>();
  auto out = std::make_shared<std::string>();
  o->malignancy = "raw";  // the file holds ratings; data.malignancy is applied when it is read
  app->add_option("--out", *out, "folder to write")->required();
  app->add_option("--count", o->count, "regions")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app->add_option("--patients", o->patients, "patients that they belong to")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app->add_option("--seed", o->phantom_seed, "another seed makes other phantoms")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->add_option("--size", o->size, "voxels: D H W")->expected(3)->capture_default_str();
  app->add_option("--spacing", o->phantom_spacing, "mm: D H W")->expected(3)->capture_default_str();
  app->add_option("--noise", o->noise, "standard deviation, HU")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->callback([o, out] { phantom(*o, *out); });
}

void add_check(CLI::App& data) {
  auto* app =
      data.add_subcommand("check", "Read a whole ROI set and say what is in it and what is wrong");
  auto o = std::make_shared<config::DataOptions>();
  auto json = std::make_shared<bool>(false);
  o->malignancy = "raw";
  app->add_option("DIR", o->source, "the set's folder (or 'phantom')")->required();
  app->add_option("--folds", o->folds,
                  "folds file; default: folds.csv in the folder, else five by patient");
  app->add_option("--consensus", o->consensus, "share of readers that makes foreground")
      ->check(CLI::Range(0.0, 1.0));
  app->add_flag("--json", *json, "one JSON document");
  app->callback([o, json] { check(*o, *json); });
}

}  // namespace

void add_data(CLI::App& app) {
  auto* data = app.add_subcommand("data", "ROI sets and phantoms");
  data->require_subcommand(1);
  add_phantom(*data);
  add_check(*data);
  add_data_split(*data);
  add_data_show(*data);
  add_data_cache(*data);
  add_prepare(*data);
}

}  // namespace hilum::cli
