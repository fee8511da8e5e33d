// SPDX-License-Identifier: Apache-2.0
#include "core/tables/outside.hpp"

#include <algorithm>
#include <cmath>

#include "core/data/csv.hpp"
#include "core/data/region.hpp"

namespace hilum::tables {
namespace {

struct Point {
  const data::Region* region;
  double size, truth;  // log mm3 of the true mask; 0 or 1
};

double log_volume(const data::Region& region) {
  const auto& g = region.geometry;
  const double voxel = g.spacing[0] * g.spacing[1] * g.spacing[2];
  const auto count = std::ranges::count(region.mask, 1);
  return std::log(voxel *
                  std::max(static_cast<double>(count), 0.5));  // an empty mask: half a voxel
}

std::vector<Point> points(const data::RegionSet& set, const std::vector<size_t>& chosen,
                          const std::string& target) {
  std::vector<Point> all;
  for (const size_t i : chosen) {
    const auto& region = set.regions[i];
    const double truth = region.targets.at(target);
    if (std::isnan(truth)) continue;
    if (truth != 0 && truth != 1)
      throw Error("ruler: target '" + target + "' of '" + region.id + "' is " + to_text(truth) +
                      ", not 0 or 1.",
                  Fault::data);
    all.push_back({&region, log_volume(region), truth});
  }
  return all;
}

double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

struct Line {
  double offset = 0, slope = 0;
};
// Newton's method; a ridge far below any data's weight keeps separable classes finite.
Line fit(const std::vector<Point>& all) {
  constexpr double kRidge = 1e-6;
  Line line;
  double centre = 0;
  for (const auto& p : all) centre += p.size / static_cast<double>(all.size());
  for (int step = 0; step < 100; ++step) {
    double g0 = -kRidge * line.offset, g1 = -kRidge * line.slope, h00 = kRidge, h01 = 0,
           h11 = kRidge;
    for (const auto& p : all) {
      const double x = p.size - centre, q = sigmoid(line.offset + line.slope * x), w = q * (1 - q);
      g0 += p.truth - q, g1 += (p.truth - q) * x;
      h00 += w, h01 += w * x, h11 += w * x * x;
    }
    const double det = h00 * h11 - h01 * h01;
    const double d0 = (h11 * g0 - h01 * g1) / det, d1 = (h00 * g1 - h01 * g0) / det;
    line.offset += d0, line.slope += d1;
    if (std::abs(d0) + std::abs(d1) < 1e-10) break;
  }
  return {line.offset - line.slope * centre, line.slope};
}

}  // namespace

std::vector<runs::CaseMetric> by_log_volume(const config::Experiment& experiment,
                                            const std::string& target) {
  const auto set = data::read_regions(experiment.data);
  data::require_targets(set, {target});
  const auto split = data::make_split(set, experiment.data, experiment.experiment.seed);
  const auto train = points(set, split.train, target);
  if (train.empty())
    throw Error("ruler: target '" + target + "' is unknown for every training region.",
                Fault::data);
  const Line line = fit(train);
  std::vector<runs::CaseMetric> cases;
  for (const auto& p : points(set, split.test, target)) {
    const auto& region = *p.region;
    cases.push_back({region.patient,
                     region.id,
                     {},
                     target + ".predicted",
                     sigmoid(line.offset + line.slope * p.size)});
    cases.push_back({region.patient, region.id, {}, target + ".truth", p.truth});
  }
  return cases;
}

std::vector<runs::CaseMetric> read_cases(const std::filesystem::path& file) {
  const auto csv = data::Csv::read(file);
  const size_t patient = csv.need("patient"), nodule = csv.need("nodule"), name = csv.need("name"),
               value = csv.need("value");
  const auto slice = csv.find("slice");
  const auto number = [&](const data::Csv::Row& row, size_t column) {
    const auto read = data::to_number(row.cells[column]);
    if (!read || !std::isfinite(*read))
      throw Error(csv.where(row) + csv.columns[column] + ": value '" + row.cells[column] +
                      "' is no finite number.",
                  Fault::data);
    return *read;
  };
  std::vector<runs::CaseMetric> cases;
  for (const auto& row : csv.rows) {
    runs::CaseMetric c{
        row.cells[patient], row.cells[nodule], {}, row.cells[name], number(row, value)};
    if (slice && !row.cells[*slice].empty()) c.slice = static_cast<int64_t>(number(row, *slice));
    cases.push_back(std::move(c));
  }
  if (cases.empty()) throw Error(file.string() + ": has a heading and no rows.", Fault::data);
  return cases;
}

}  // namespace hilum::tables
