// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "core/cli/prepare.hpp"
#include "core/data/lidc/prepare.hpp"
#include "core/data/lidc/ratings.hpp"

namespace hilum::cli {
namespace {
namespace lidc = data::lidc;

struct Request {
  lidc::Rules rules;
  std::string dicom, xml, out;
  bool json = false;
};

nlohmann::json to_json(const Request& request, const data::prepare::Prepared& done) {
  nlohmann::json dropped = nlohmann::json::array();
  for (const auto& [what, why] : done.report.dropped)
    dropped.push_back({{"what", what}, {"why", why}});
  return {
      {"out", request.out},       {"fingerprint", done.fingerprint}, {"rules", done.rules},
      {"kept", done.report.kept}, {"dropped", std::move(dropped)},   {"notes", done.report.notes}};
}

void prepare(const Request& request) {
  const auto done = lidc::prepare_lidc(request.dicom, request.xml, request.out, request.rules);
  if (request.json)
    fmt::print("{}\n", to_json(request, done).dump(2));
  else
    print_report(request.out, done.fingerprint, done.rules, done.report);
}

void add_scan_options(CLI::App& app, lidc::Rules& rules) {
  app.add_option("--max-slice-gap", rules.max_slice_gap,
                 "mm between slices at most, as LUNA16 has it; 0: no limit")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--mask", rules.mask,
                 "agree: how many readings hold a voxel (for data.consensus); union; consensus")
      ->check(CLI::IsMember({"agree", "union", "consensus"}))
      ->capture_default_str();
  app.add_option("--consensus", rules.consensus,
                 "share of the nodule's readings, for --mask consensus")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
}

}  // namespace

std::vector<CLI::Option*> add_reading_options(CLI::App& app, lidc::Rules& rules) {
  return {
      app.add_option("--min-readers", rules.min_readers, "readers that marked the nodule, at least")
          ->check(CLI::Range(1, 100))
          ->capture_default_str(),
      app.add_option("--cluster", rules.cluster.rule,
                     "which readings mean one nodule: by distance in mm, as pylidc, or by overlap")
          ->check(CLI::IsMember(lidc::cluster_rules()))
          ->capture_default_str(),
      app.add_option("--tolerance", rules.cluster.tolerance,
                     "between outlines, mm (pylidc: its number); 0: the slice spacing")
          ->check(CLI::NonNegativeNumber)
          ->capture_default_str(),
      app.add_option("--iou", rules.cluster.iou, "overlap above which --cluster iou joins readings")
          ->check(CLI::Range(0.0, 1.0))
          ->capture_default_str(),
      app.add_flag("--include-contour", rules.include_contour,
                   "outlines' own pixels are nodule; by default they are the first ones outside"),
      app.add_option(
             "--ratings", rules.statistics,
             "columns beside the means: median, mode, spread (highest less lowest), readers")
          ->check(CLI::IsMember(lidc::rating_statistics()))
          ->delimiter(',')};
}

void add_prepare_lidc(CLI::App& prepare_app) {
  auto* app = prepare_app.add_subcommand(
      "lidc", "LIDC-IDRI: DICOM series and the radiologists' XML to a ROI set");
  auto request = std::make_shared<Request>();
  app->add_option("--dicom", request->dicom, "folder of DICOM files, with subfolders")->required();
  app->add_option("--xml", request->xml, "folder of reading files, with subfolders")->required();
  app->add_option("--out", request->out, "folder to write")->required();
  add_crop_options(*app, request->rules.crop);
  add_reading_options(*app, request->rules);
  add_scan_options(*app, request->rules);
  app->add_flag("--json", request->json, "one JSON document");
  app->callback([request] { prepare(*request); });
}

}  // namespace hilum::cli
