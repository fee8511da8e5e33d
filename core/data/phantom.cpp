// SPDX-License-Identifier: Apache-2.0
#include "core/data/phantom.hpp"

#include <algorithm>
#include <cmath>

#include "core/data/phantom_parts.hpp"
#include "core/data/roi_set.hpp"
#include "core/util/sha256.hpp"

namespace hilum::data {
namespace {

using phantom::Canvas;
using phantom::Nodule;
using phantom::Point;

const char* kTypes[] = {"isolated", "juxtapleural", "cavitary", "ground_glass", "calcified"};

// Mean of four readers' ratings: quarters within [1, most].
double rating(double value, double most = 5) {
  return std::clamp(std::round(value * 4) / 4, 1.0, most);
}

/// What a nodule is like, drawn before its voxels: `risk` in [0,1] moves size and outline together.
Nodule draw_nodule(util::Random& random, NoduleType type, const Geometry& g) {
  const double risk = random.uniform();
  const double mm_h = static_cast<double>(g.size[1]) * g.spacing[1];
  const double mm_w = static_cast<double>(g.size[2]) * g.spacing[2];
  const double most = std::clamp(0.55 * std::min(mm_h, mm_w), 4.0, 24.0);
  Nodule n;
  n.type = type;
  n.diameter = 4 + (most - 4) * std::clamp(0.65 * risk + 0.35 * random.uniform(), 0.0, 1.0);
  n.lobulation = std::clamp(0.7 * risk + 0.45 * random.uniform() - 0.1, 0.0, 1.0);
  n.spiculation = std::clamp(0.8 * risk + 0.4 * random.uniform() - 0.2, 0.0, 1.0);
  n.roundness = random.uniform(0.55, 1.0);
  n.softness = random.uniform(0.2, 1.6);
  n.solidity = random.uniform(0.9, 1.0);
  if (type == NoduleType::ground_glass) n.solidity = random.uniform(0.24, 0.42);
  if (type == NoduleType::ground_glass) n.softness += 0.8;
  if (type == NoduleType::calcified) n.spiculation *= 0.3;
  n.cavity = type == NoduleType::cavitary ? random.uniform(0.4, 0.65) : 0;
  n.core = type == NoduleType::calcified ? random.uniform(0.4, 0.9) : 0;
  // Off the centre by up to an eighth of the region, at most a quarter voxel off a voxel's centre
  // in z, so that a small nodule does not fall between two slices.
  for (size_t axis = 0; axis < 3; ++axis) {
    const auto size = static_cast<double>(g.size[axis]);
    const double voxel = std::floor(size / 2) + std::round(random.uniform(-size, size) / 8);
    n.centre[axis] =
        (std::clamp(voxel, 0.0, size - 1) + random.uniform(-0.25, 0.25)) * g.spacing[axis];
  }
  return n;
}

void rate(Region& region, const Nodule& n, util::Random& random) {
  const auto reader = [&](double value) { return value + 0.25 * random.normal(); };
  const bool calcified = n.type == NoduleType::calcified,
             glass = n.type == NoduleType::ground_glass;
  const double size = (n.diameter - 4) / 20;
  auto& t = region.targets;
  t["subtlety"] = rating(reader(2.5 + 4 * size + (calcified ? 1 : 0) - (glass ? 1.2 : 0)));
  t["calcification"] = calcified ? rating(reader(n.core > 0.65 ? 3 : 5), 6) : 6;
  t["sphericity"] = rating(reader(1 + 4 * (n.roundness - 0.55) / 0.45));
  t["margin"] = rating(reader(5 - 1.7 * n.softness));
  t["lobulation"] = rating(reader(1 + 4 * n.lobulation));
  t["spiculation"] = rating(reader(1 + 4 * n.spiculation));
  t["texture"] = rating(reader(1 + 4 * (n.solidity - 0.24) / 0.76));
  const double score = 1.2 + 3.2 * size + 1.6 * n.spiculation + 0.6 * n.lobulation +
                       (n.type == NoduleType::cavitary ? 0.4 : 0) + (glass ? 0.3 : 0) -
                       (calcified ? 1.6 : 0);
  t["malignancy"] = rating(reader(score));
}

Region make_region(const config::DataOptions& options, int64_t index) {
  const auto seed = static_cast<uint64_t>(options.phantom_seed);
  const int64_t patient = index % options.patients, number = index / options.patients + 1;
  // Types stand evenly over all regions, and over the regions of a patient.
  const auto type = static_cast<NoduleType>((index + index / options.patients) % 5);
  Region region;
  Geometry& g = region.geometry;
  for (size_t axis = 0; axis < 3; ++axis) {
    g.size[axis] = options.size[axis];
    g.spacing[axis] = options.phantom_spacing[axis];
    g.origin[2 - axis] = -0.5 * g.spacing[axis] * static_cast<double>(g.size[axis] - 1);
  }
  char name[32];
  std::snprintf(name, sizeof name, "P%03d", static_cast<int>(patient + 1));
  region.patient = name, region.series = std::string("phantom-") + name;
  region.nodule = std::to_string(number), region.file = "phantom";
  region.id = region.patient + "_" + region.nodule + "_" + kTypes[static_cast<int>(type)];

  util::Random person({seed, 1, static_cast<uint64_t>(patient)}),
      random({seed, 2, static_cast<uint64_t>(index)});
  const Nodule nodule = draw_nodule(random, type, g);
  Canvas canvas(g, random);
  canvas.lung(person.uniform(-870, -820), person.uniform(15, 40));
  canvas.vessels(static_cast<int>(2 + random.below(4)), nodule);
  if (type == NoduleType::juxtapleural)
    canvas.wall_at(nodule);
  else if (random.chance(0.2))
    canvas.wall_beside(nodule);
  canvas.nodule(nodule);
  canvas.finish(options.noise, region.image, region.mask);
  rate(region, nodule, random);
  return region;
}

}  // namespace

RegionSet make_phantoms(const config::DataOptions& options) {
  const auto fail = [](const std::string& what) {
    throw Error("data.phantom." + what, Fault::request);
  };
  if (options.count < 1)
    fail("count: value '" + std::to_string(options.count) + "', allowed 1 or more.");
  if (options.patients < 1)
    fail("patients: value '" + std::to_string(options.patients) + "', allowed 1 or more.");
  for (const size_t axis : {0, 1, 2}) {
    if (options.size.size() != 3 || options.size[axis] < (axis == 0 ? 1 : 8) ||
        options.size[axis] > 1024)
      fail("size: three numbers of voxels, D from 1, H and W from 8 to 1024.");
    if (options.phantom_spacing.size() != 3 || !(options.phantom_spacing[axis] > 0))
      fail("spacing: three numbers above 0, mm.");
  }
  RegionSet set;
  set.name = "phantom";
  set.target_names = {"subtlety",   "calcification", "sphericity", "margin",
                      "lobulation", "spiculation",   "texture",    "malignancy"};
  util::Sha256 fingerprint;
  fingerprint.add("phantom malignancy " + options.malignancy);
  for (int64_t i = 0; i < options.count; ++i) {
    set.regions.push_back(make_region(options, i));
    fingerprint.add("\n" + set.regions.back().id + " ").add(hash_region(set.regions.back()));
  }
  set.fingerprint = fingerprint.hex();
  return set;
}

}  // namespace hilum::data
