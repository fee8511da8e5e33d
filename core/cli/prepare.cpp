// SPDX-License-Identifier: Apache-2.0
#include "core/cli/prepare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "core/data/prepare/luna16.hpp"
#include "core/data/prepare/nnunet.hpp"
#include "core/data/prepare/rois.hpp"
#include "core/util/text.hpp"

namespace hilum::cli {
namespace {
namespace fs = std::filesystem;
using namespace data::prepare;

constexpr size_t kShown = 5;  // names of one reason, and notes; fingerprint.json has all

void print(const fs::path& out, const Prepared& made) {
  print_report(out, made.fingerprint, made.rules, made.report);
}

std::shared_ptr<std::string> add_out(CLI::App& app) {
  auto out = std::make_shared<std::string>();
  app.add_option("--out", *out, "folder of the ROI set to write")->required();
  return out;
}

void add_pair_options(CLI::App& app, PairRules& rules) {
  add_crop_options(app, rules.crop);
  auto* whole = app.add_flag("--whole", rules.whole, "the whole image as one region, not a crop");
  app.add_flag("--components", rules.components, "one region for each 26-connected component")
      ->excludes(whole);
  app.add_option("--least", rules.least, "voxels; smaller masks and components are dropped")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

void add_rois(CLI::App& prepare) {
  auto* app = prepare.add_subcommand("rois", "Pairs of images and masks, listed in a table");
  auto o = std::make_shared<RoisSource>();
  app->add_option("TABLE", o->table,
                  "CSV: image, mask; optional id, patient, series, nodule, readers; any other "
                  "column is a target")
      ->required();
  app->add_option("--root", o->root, "folder of the table's paths; default: the table's own");
  app->add_option("--label", o->label, "the mask's value that counts; default: all but 0");
  add_pair_options(*app, o->rules);
  auto out = add_out(*app);
  app->callback([o, out] { print(*out, prepare_rois(*o, *out)); });
}

void add_nnunet(CLI::App& prepare) {
  auto* app = prepare.add_subcommand(
      "nnunet", "An nnU-Net dataset folder: dataset.json, imagesTr, labelsTr, splits_final.json");
  auto o = std::make_shared<NnunetSource>();
  app->add_option("DIR", o->folder, "the dataset's folder")->required();
  app->add_option("--label", o->label,
                  "name or value of the label that counts; default: all but the background");
  app->add_option("--patient-regex", o->patient_regex,
                  "the patient is its first group, found in the case's name; default: the case");
  app->add_option("--splits", o->splits,
                  "validation cases of fold k become fold k; default: splits_final.json in the "
                  "folder; 'none': no folds");
  add_pair_options(*app, o->rules);
  auto out = add_out(*app);
  app->callback([o, out] { print(*out, prepare_nnunet(*o, *out)); });
}

void add_luna16(CLI::App& prepare) {
  auto* app = prepare.add_subcommand("luna16", "LUNA16: .mhd scans and annotations.csv");
  auto o = std::make_shared<Luna16Source>();
  app->add_option("--scans", o->scans, "folder with <seriesuid>.mhd, anywhere below")->required();
  app->add_option("--annotations", o->annotations,
                  "CSV: seriesuid, coordX, coordY, coordZ (world mm), diameter_mm")
      ->required();
  app->add_option("--masks", o->masks,
                  "folder with masks of nodules, named as the scans (.nii.gz, .mhd, ...), anywhere "
                  "below");
  auto* xml = app->add_option(
      "--xml", o->xml, "folder of LIDC-IDRI's reading files: masks count readings; adds ratings");
  app->add_option_function<std::string>(
         "--mask", [o](const std::string&) { o->sphere = true; },
         "'sphere' of the annotated diameter: LUNA16 has no outlines of its own")
      ->check(CLI::IsMember({"sphere"}));
  for (auto* option : add_reading_options(*app, o->readings)) option->needs(xml);
  app->add_option("--negatives", o->negatives, "regions without nodule for each one with")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  app->add_option("--candidates", o->candidates,
                  "CSV: seriesuid, coordX, coordY, coordZ, class; negatives are those of class 0; "
                  "default: slices of the same scans");
  app->add_option("--negative-slices", o->negative_slices, "of a region without nodule")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app->add_option("--patients", o->patients,
                  "CSV: seriesuid, patient; default: a series is a patient");
  add_crop_options(*app, o->crop);
  auto out = add_out(*app);
  app->callback([o, out] { print(*out, prepare_luna16(*o, *out)); });
}

}  // namespace

void add_crop_options(CLI::App& app, CropRules& rules) {
  app.add_option("--size", rules.size, "voxels of the crop: H W; 0: the nodule and its margin")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  app.add_option("--margin", rules.margin, "voxels around the nodule where --size is 0")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--empty-slices", rules.empty_slices, "without nodule, on each side")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--fill", rules.fill, "HU outside of the scan")
      ->check(CLI::Range(-32768.0, 32767.0))
      ->capture_default_str();
  app.add_option("--spacing", rules.spacing, "mm: D H W, or H W; default: as it is")
      ->expected(2, 3)
      ->check(CLI::Range(0.01, 100.0));
}

void print_report(const fs::path& out, const std::string& fingerprint,
                  const std::map<std::string, std::string>& rules, const Report& report) {
  std::vector<std::vector<std::string>> rows = {{"rule", "value"}};
  for (const auto& [name, value] : rules) rows.push_back({name, value});
  std::string text = util::table(rows);
  rows = {{"kept", "number"}};
  for (const auto& [name, count] : report.kept) rows.push_back({name, std::to_string(count)});
  text += "\n" + util::table(rows);
  std::map<std::string, Strings> reasons;
  for (const auto& [what, why] : report.dropped) reasons[why].push_back(what);
  for (const auto& [why, names] : reasons) {
    const auto shown = static_cast<std::ptrdiff_t>(std::min(names.size(), kShown));
    text += fmt::format("\ndropped {}: {}: {}{}", names.size(), why,
                        join({names.begin(), names.begin() + shown}, ", "),
                        names.size() > kShown ? ", ..." : "");
  }
  for (size_t i = 0; i < std::min(report.notes.size(), kShown); ++i)
    text += "\nnote: " + report.notes[i];
  if (report.notes.size() > kShown)
    text += fmt::format("\n{} more notes in fingerprint.json", report.notes.size() - kShown);
  fmt::print("{}\n{}: fingerprint {}\n", text, out.string(), fingerprint);
}

void add_prepare(CLI::App& data) {
  auto* prepare = data.add_subcommand("prepare", "Write a ROI set from scans and their readings");
  prepare->require_subcommand(1);
  add_prepare_lidc(*prepare);
  add_luna16(*prepare);
  add_rois(*prepare);
  add_nnunet(*prepare);
}

}  // namespace hilum::cli
