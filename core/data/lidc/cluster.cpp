// SPDX-License-Identifier: Apache-2.0
#include "core/data/lidc/cluster.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace hilum::data::lidc {
namespace {

using Matrix = std::vector<std::vector<double>>;  // squared distances
constexpr double kFar = std::numeric_limits<double>::infinity();

struct Bounds {
  std::array<int64_t, 3> low{}, high{};
};

Bounds bounds(const Placed& reading) {
  Bounds b{reading.points.front(), reading.points.front()};
  for (const auto& point : reading.points)
    for (size_t i = 0; i < 3; ++i)
      b.low[i] = std::min(b.low[i], point[i]), b.high[i] = std::max(b.high[i], point[i]);
  return b;
}

double gap(const Bounds& a, const Bounds& b, const std::array<double, 3>& unit) {
  double sum = 0;
  for (size_t i = 0; i < 3; ++i) {
    const auto voxels = std::max<int64_t>({a.low[i] - b.high[i], b.low[i] - a.high[i], 0});
    sum += std::pow(static_cast<double>(voxels) * unit[i], 2);
  }
  return sum;
}

double nearest_points(const Placed& a, const Placed& b, const std::array<double, 3>& unit) {
  double least = kFar;
  for (const auto& p : a.points)
    for (const auto& q : b.points) {
      double sum = 0;
      for (size_t i = 0; i < 3; ++i) {
        const double along = static_cast<double>(p[i] - q[i]) * unit[i];
        sum += along * along;
      }
      least = std::min(least, sum);
    }
  return least;
}

// Pairs that are further apart than `reach` count as far: most of a scan's nodules are.
Matrix distances(const std::vector<Placed>& readings, const std::array<double, 3>& unit,
                 double reach) {
  const size_t n = readings.size();
  Matrix matrix(n, std::vector<double>(n, kFar));
  std::vector<Bounds> boxes(n);
  for (size_t i = 0; i < n; ++i)
    if (!readings[i].points.empty()) boxes[i] = bounds(readings[i]);
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < i; ++j) {
      if (readings[i].points.empty() || readings[j].points.empty()) continue;
      if (gap(boxes[i], boxes[j], unit) > reach * reach * (1 + 1e-9)) continue;
      matrix[i][j] = matrix[j][i] = nearest_points(readings[i], readings[j], unit);
    }
  return matrix;
}

std::vector<std::vector<size_t>> components(const Matrix& matrix, double tolerance) {
  const size_t n = matrix.size();
  const double reach = tolerance * tolerance * (1 + 1e-9);  // a tie is near, however it is rounded
  std::vector<std::vector<size_t>> groups;
  std::vector<bool> seen(n);
  for (size_t first = 0; first < n; ++first) {
    if (seen[first]) continue;
    std::vector<size_t> group{first};
    seen[first] = true;
    for (size_t i = 0; i < group.size(); ++i)
      for (size_t other = 0; other < n; ++other)
        if (!seen[other] && matrix[group[i]][other] <= reach)
          seen[other] = true, group.push_back(other);
    std::sort(group.begin(), group.end());
    groups.push_back(std::move(group));
  }
  return groups;
}

bool too_many(const std::vector<std::vector<size_t>>& groups) {
  return std::any_of(groups.begin(), groups.end(), [](const auto& g) { return g.size() > 4; });
}

Clusters as_pylidc(const std::vector<Placed>& readings, double tolerance) {
  const Matrix matrix = distances(readings, {1, 1, 1}, tolerance);
  Clusters out{components(matrix, tolerance), tolerance, false};
  while (too_many(out.nodules)) {
    if (out.tolerance * 0.9 < 0.1) {
      out.crowded = true;
      break;
    }
    out.tolerance *= 0.9;
    out.nodules = components(matrix, out.tolerance);
  }
  return out;
}

std::vector<std::vector<size_t>> by_overlap(const std::vector<Placed>& readings, double least) {
  std::vector<std::vector<size_t>> groups;
  for (size_t i = 0; i < readings.size(); ++i) {
    const auto found = std::find_if(groups.begin(), groups.end(), [&](const auto& group) {
      return std::any_of(group.begin(), group.end(), [&](size_t other) {
        return overlap(readings[i].mask, readings[other].mask) > least;
      });
    });
    if (found == groups.end())
      groups.push_back({i});
    else
      found->push_back(i);
  }
  return groups;
}

}  // namespace

Strings cluster_rules() { return {"distance", "pylidc", "iou"}; }

Clusters cluster(const std::vector<Placed>& readings, const std::array<double, 3>& spacing,
                 const ClusterRules& rules) {
  const double tolerance = rules.tolerance > 0 ? rules.tolerance : spacing[0];
  if (rules.rule == "distance")
    return {components(distances(readings, spacing, tolerance), tolerance), tolerance, false};
  if (rules.rule == "pylidc") return as_pylidc(readings, tolerance);
  if (rules.rule == "iou") return {by_overlap(readings, rules.iou), 0, false};
  throw Error(
      "cluster: value '" + rules.rule + "' is unknown." + suggestion(rules.rule, cluster_rules()),
      Fault::request);
}

double overlap(const Mask& a, const Mask& b) {
  std::array<int64_t, 3> low{}, high{};
  for (size_t i = 0; i < 3; ++i) {
    low[i] = std::max(a.from[i], b.from[i]);
    high[i] = std::min(a.from[i] + a.size[i], b.from[i] + b.size[i]);
  }
  const auto value = [](const Mask& m, int64_t d, int64_t h, int64_t w) {
    return m.voxels[static_cast<size_t>(((d - m.from[0]) * m.size[1] + h - m.from[1]) * m.size[2] +
                                        w - m.from[2])] != 0;
  };
  int64_t both = 0;
  for (int64_t d = low[0]; d < high[0]; ++d)
    for (int64_t h = low[1]; h < high[1]; ++h)
      for (int64_t w = low[2]; w < high[2]; ++w)
        both += value(a, d, h, w) && value(b, d, h, w) ? 1 : 0;
  const int64_t either = a.count() + b.count() - both;
  return either == 0 ? 0 : static_cast<double>(both) / static_cast<double>(either);
}

}  // namespace hilum::data::lidc
