// SPDX-License-Identifier: Apache-2.0
// hilum metrics PRED TRUTH: the metrics of two mask files.
#include "core/metrics/mask.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/cli/commands.hpp"
#include "core/data/image.hpp"
#include "core/util/text.hpp"

namespace hilum::cli {
namespace {

struct Request {
  std::string pred, truth;
  std::vector<double> spacing;  // mm, x, y, z; empty: the files'
  bool json = false;
};

/// A file of one slice is a 2D mask: its surface is its outline, not every voxel.
struct FileMask {
  data::Geometry geometry;
  std::vector<uint8_t> voxels;

  metrics::MaskView view(const data::Geometry& grid) const {
    const auto first = grid.size[0] == 1 ? 1 : 0;
    return {voxels,
            {grid.size.begin() + first, grid.size.end()},
            {grid.spacing.begin() + first, grid.spacing.end()}};
  }
};

FileMask read_mask(const std::string& file, const std::vector<double>& spacing) {
  const auto volume = data::read_image(file);
  FileMask mask{volume.geometry, std::vector<uint8_t>(volume.voxels.size())};
  std::ranges::transform(volume.voxels, mask.voxels.begin(), [](float v) { return v != 0; });
  for (size_t i = 0; i < spacing.size(); ++i) mask.geometry.spacing[2 - i] = spacing[i];
  const auto fraction =
      std::ranges::find_if(volume.voxels, [](float v) { return v != std::nearbyint(v); });
  if (fraction != volume.voxels.end())
    std::cerr << fmt::format(
        "hilum metrics: {}: holds fractions such as {}; every voxel that is not 0 is foreground. "
        "Threshold a probability map first.\n",
        file, *fraction);
  return mask;
}

void check_spacing(const std::vector<double>& spacing) {
  const bool good =
      std::ranges::all_of(spacing, [](double s) { return s > 0 && std::isfinite(s); });
  if (!good || spacing.size() == 1 || spacing.size() > 3)
    throw Error(fmt::format("hilum metrics: --spacing: value '{}', allowed two or three numbers "
                            "above 0 (mm; x,y or x,y,z). Example: --spacing 0.7,0.7,2.5",
                            fmt::join(spacing, ",")),
                Fault::request);
}

void require_one_grid(const Request& request, const FileMask& pred, const FileMask& truth) {
  const auto difference = data::difference(pred.geometry, truth.geometry);
  if (difference.empty()) return;
  std::string directions;
  if (difference.find("orientation") != std::string::npos)
    directions =
        fmt::format(" (direction [{:.4g}], not [{:.4g}])", fmt::join(pred.geometry.direction, ", "),
                    fmt::join(truth.geometry.direction, ", "));
  throw Error(fmt::format("{}: is not on the grid of {}: {}{}. Resample one onto the other's grid.",
                          request.pred, request.truth, difference, directions),
              Fault::data);
}

void print_json(const metrics::MaskScores& scores) {
  nlohmann::ordered_json out;
  for (const auto& [name, value] : metrics::named(scores)) out[name] = value;
  out["empty"] = metrics::to_string(scores.empty);
  std::cout << out.dump(2) << "\n";
}

void print_table(const metrics::MaskScores& scores, const metrics::MaskView& pred,
                 const metrics::MaskView& truth) {
  std::vector<std::vector<std::string>> rows{{"metric", "value", "unit"}};
  for (const auto& [name, value] : metrics::named(scores)) {
    const bool distance =
        std::string_view(name).starts_with("hd") || name == std::string_view("assd");
    rows.push_back({name, fmt::format("{:.4f}", value), distance ? "mm" : ""});
  }
  const auto count = [](const metrics::MaskView& mask) {
    return static_cast<int64_t>(mask.voxels.size()) - std::ranges::count(mask.voxels, 0);
  };
  const char* axes = truth.size.size() == 2 ? "H x W" : "D x H x W";
  std::cout << util::table(rows)
            << fmt::format("\nprediction {} voxels, truth {} voxels, of {} ({}), spacing {} mm\n",
                           count(pred), count(truth), fmt::join(truth.size, " x "), axes,
                           fmt::join(truth.spacing, " x "));
  if (scores.empty == metrics::Empty::both)
    std::cout << "Both masks are empty: overlap 1, distances 0.\n";
  else if (scores.empty != metrics::Empty::none)
    std::cout << fmt::format("The {} is empty: overlap 0, distances are the region's diagonal.\n",
                             scores.empty == metrics::Empty::pred ? "prediction" : "truth");
}

void run(const Request& request) {
  check_spacing(request.spacing);
  const FileMask pred = read_mask(request.pred, request.spacing);
  const FileMask truth = read_mask(request.truth, request.spacing);
  require_one_grid(request, pred, truth);
  const auto p = pred.view(truth.geometry), t = truth.view(truth.geometry);
  const auto scores = metrics::compare(p, t);
  request.json ? print_json(scores) : print_table(scores, p, t);
}

}  // namespace

void add_metrics(CLI::App& app) {
  auto request = std::make_shared<Request>();
  auto* command = app.add_subcommand("metrics", "The metrics of two mask files, with spacing");
  command->add_option("PRED", request->pred, "Predicted mask: NIfTI, NRRD or MetaImage")
      ->required();
  command->add_option("TRUTH", request->truth, "True mask, on the same grid")->required();
  command
      ->add_option("--spacing", request->spacing, "mm: x,y or x,y,z instead of what the files say")
      ->delimiter(',');
  command->add_flag("--json", request->json, "One JSON document on stdout");
  command->footer("A voxel is foreground where it is not 0. Definitions: docs/metrics.md");
  command->callback([request] { run(*request); });
}

}  // namespace hilum::cli
