// SPDX-License-Identifier: Apache-2.0
#include "core/data/phantom_parts.hpp"

#include <algorithm>
#include <cmath>

namespace hilum::data::phantom {
namespace {

constexpr double kWallHu = 45, kSoftHu = 35, kAirHu = -930, kCalciumHu = 550;

double dot(const Point& a, const Point& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
Point sum(const Point& a, const Point& b, double scale) {
  return {a[0] + scale * b[0], a[1] + scale * b[1], a[2] + scale * b[2]};
}
Point unit(const Point& a) {
  const double length = std::max(std::sqrt(dot(a, a)), 1e-9);
  return {a[0] / length, a[1] / length, a[2] / length};
}
// 0 below -1, 1 above 1, smooth between: how much of a voxel an edge of finite width covers.
double ramp(double x) {
  const double t = std::clamp(0.5 + 0.5 * x, 0.0, 1.0);
  return t * t * (3 - 2 * t);
}
double power32(double x) {
  for (int i = 0; i < 5; ++i) x *= x;
  return x;
}

/// Smooth random field: values on a lattice, interpolated linearly.
class Field {
 public:
  Field(const Geometry& g, double step, util::Random& random) : step_(step) {
    for (size_t i = 0; i < 3; ++i)
      size_[i] = static_cast<size_t>(static_cast<double>(g.size[i]) * g.spacing[i] / step) + 2;
    values_.resize(size_[0] * size_[1] * size_[2]);
    for (auto& value : values_) value = random.normal();
  }
  double at(const Point& p) const {
    std::array<size_t, 3> i;
    std::array<double, 3> f;
    for (size_t k = 0; k < 3; ++k) {
      const double x = p[k] / step_;
      i[k] = static_cast<size_t>(x), f[k] = x - static_cast<double>(i[k]);
    }
    double value = 0;
    for (size_t corner = 0; corner < 8; ++corner) {
      const size_t z = corner >> 2, y = corner >> 1 & 1, x = corner & 1;
      const double weight = (z ? f[0] : 1 - f[0]) * (y ? f[1] : 1 - f[1]) * (x ? f[2] : 1 - f[2]);
      value += weight * values_[((i[0] + z) * size_[1] + i[1] + y) * size_[2] + i[2] + x];
    }
    return value;
  }

 private:
  double step_;
  std::array<size_t, 3> size_{};
  std::vector<double> values_;
};

/// The outline: an ellipsoid whose radius swells in a few directions (lobes) and shoots out in
/// narrow ones (spicules).
class Outline {
 public:
  template <class Direction>
  Outline(const Nodule& n, util::Random& random, Direction direction) : n_(n), axis_(direction()) {
    const auto lobes = 3 + random.below(3), spikes = 8 + random.below(8);
    for (uint64_t i = 0; i < lobes; ++i) lobes_.push_back(direction());
    for (uint64_t i = 0; i < spikes; ++i) spikes_.push_back(direction());
  }
  /// Distance inside the outline along the ray from the centre (mm), and the share of the radius.
  std::pair<double, double> inside(const Point& p) const {
    const Point offset = sum(p, n_.centre, -1);
    const double along = dot(offset, axis_), squared = dot(offset, offset);
    // Squeezed along one axis.
    const double squeeze = 1 / (n_.roundness * n_.roundness) - 1;
    const double distance = std::sqrt(squared + squeeze * along * along);
    const Point ray = unit(offset);
    double lobe = 0, spike = 0;
    for (const auto& d : lobes_) {
      const double c = std::max(dot(ray, d), 0.0);
      lobe += c * c * c * c;
    }
    for (const auto& d : spikes_) spike += power32(std::max(dot(ray, d), 0.0));
    const double radius =
        n_.diameter / 2 *
        (1 + n_.lobulation * 0.35 * (lobe - 0.4) + n_.spiculation * 0.55 * std::min(spike, 1.0));
    return {radius - distance, distance / radius};
  }

 private:
  const Nodule& n_;
  Point axis_;
  std::vector<Point> lobes_, spikes_;
};

}  // namespace

Canvas::Canvas(const Geometry& geometry, util::Random& random) : g_(geometry), random_(random) {
  const auto count = static_cast<size_t>(g_.size[0] * g_.size[1] * g_.size[2]);
  image_.resize(count), mask_.resize(count), wall_.resize(count);
}

Point Canvas::direction() {
  for (;;) {
    const Point p{random_.uniform(-1, 1), random_.uniform(-1, 1), random_.uniform(-1, 1)};
    const double squared = dot(p, p);
    if (squared > 0.01 && squared < 1) return unit(p);
  }
}

Canvas::Box Canvas::box(const Point& low, const Point& high, double margin) const {
  Box box;
  for (size_t i = 0; i < 3; ++i) {
    const double first = std::floor((low[i] - margin) / g_.spacing[i]);
    const double last = std::ceil((high[i] + margin) / g_.spacing[i]) + 1;
    const auto size = static_cast<double>(g_.size[i]);
    box.from[i] = static_cast<int64_t>(std::clamp(first, 0.0, size));
    box.to[i] = static_cast<int64_t>(std::clamp(last, 0.0, size));
  }
  return box;
}

template <class Paint>
void Canvas::each(const Box& box, Paint paint) {
  for (int64_t z = box.from[0]; z < box.to[0]; ++z)
    for (int64_t y = box.from[1]; y < box.to[1]; ++y)
      for (int64_t x = box.from[2]; x < box.to[2]; ++x)
        paint(static_cast<size_t>((z * g_.size[1] + y) * g_.size[2] + x),
              Point{static_cast<double>(z) * g_.spacing[0], static_cast<double>(y) * g_.spacing[1],
                    static_cast<double>(x) * g_.spacing[2]});
}

void Canvas::lung(double hu, double texture) {
  const Field coarse(g_, 7, random_), fine(g_, 2.5, random_);
  each({{0, 0, 0}, g_.size}, [&](size_t i, const Point& p) {
    image_[i] = static_cast<float>(hu + texture * (coarse.at(p) + 0.5 * fine.at(p)));
  });
}

void Canvas::tube(const Point& a, const Point& b, double radius, double hu) {
  const Point along = sum(b, a, -1);
  const double squared = std::max(dot(along, along), 1e-9);
  const Point low{std::min(a[0], b[0]), std::min(a[1], b[1]), std::min(a[2], b[2])};
  const Point high{std::max(a[0], b[0]), std::max(a[1], b[1]), std::max(a[2], b[2])};
  each(box(low, high, radius + 0.5), [&](size_t i, const Point& p) {
    const Point offset = sum(p, a, -1);
    const double t = std::clamp(dot(offset, along) / squared, 0.0, 1.0);
    const Point gap = sum(offset, along, -t);
    const double share = ramp((radius - std::sqrt(dot(gap, gap))) / 0.4);
    if (share > 0 && hu > image_[i]) blend(i, share, hu);
  });
}

void Canvas::branch(Point from, Point direction, double radius, double length, int depth) {
  const double hu = random_.uniform(0, 60);
  for (double walked = 0; walked < length; walked += 3) {
    const Point to = sum(from, direction, 3);
    tube(from, to, radius, hu);
    from = to;
    direction = unit(sum(direction, this->direction(), 0.25));
    radius *= 0.97;
    if (depth > 0 && random_.chance(0.15)) {
      const Point side = unit(sum(direction, this->direction(), 0.9));
      branch(from, side, radius * 0.75, length * 0.5, depth - 1);
    }
  }
}

void Canvas::vessels(int trees, const Nodule& nodule) {
  Point extent;
  for (size_t i = 0; i < 3; ++i) extent[i] = static_cast<double>(g_.size[i] - 1) * g_.spacing[i];
  for (int tree = 0; tree < trees; ++tree) {
    // Every other one heads for the nodule, as feeding vessels do; the rest cross the region
    // anywhere.
    Point from, to = nodule.centre;
    for (size_t i = 0; i < 3; ++i) from[i] = random_.uniform(0, extent[i]);
    const size_t side = 1 + random_.below(2);
    from[side] = random_.chance(0.5) ? 0 : extent[side];
    if (tree % 2 == 1)
      for (size_t i = 0; i < 3; ++i) to[i] = random_.uniform(0, extent[i]);
    const Point way = sum(to, from, -1);
    double length = std::sqrt(dot(way, way));
    if (tree % 2 == 0) length = std::max(length - nodule.diameter / 2, 0.0);
    branch(from, unit(way), random_.uniform(0.7, 2.2), length, 2);
  }
}

void Canvas::wall(const Point& inward, double depth_of_surface) {
  const Field bumps(g_, 10, random_);
  each({{0, 0, 0}, g_.size}, [&](size_t i, const Point& p) {
    const double depth = depth_of_surface + 0.6 * bumps.at(p) - dot(p, inward);
    const double share = ramp(depth / 0.5);
    if (share > 0) blend(i, share, kWallHu);
    wall_[i] |= depth > 0;
  });
}

void Canvas::wall_at(const Nodule& nodule) {
  // In plane: the pleura runs across the slices.
  const Point side = direction();
  const Point inward = unit({0.2 * side[0], side[1], side[2]});
  wall(inward, dot(nodule.centre, inward) - 0.25 * nodule.diameter);
}

void Canvas::wall_beside(const Nodule& nodule) {
  const Point side = direction();
  const Point inward = unit({0.2 * side[0], side[1], side[2]});
  wall(inward, dot(nodule.centre, inward) - 0.8 * nodule.diameter - random_.uniform(3, 10));
}

void Canvas::nodule(const Nodule& n) {
  const Outline outline(n, random_, [this] { return direction(); });
  const Field inner(g_, 2, random_);
  const double hu_lung = -850, hu = hu_lung + n.solidity * (kSoftHu - hu_lung);
  each(box(n.centre, n.centre, n.diameter), [&](size_t i, const Point& p) {
    const auto [depth, share] = outline.inside(p);
    const double cover = ramp(depth / n.softness);
    if (cover <= 0 || wall_[i]) return;
    double value = hu + 20 * inner.at(p);
    if (n.cavity > 0) value += ramp((n.cavity - share) * 8) * (kAirHu - value);
    if (n.core > 0) value += ramp((n.core - share) * 8) * (kCalciumHu - value);
    // Ground glass veils what is behind it; vessels stay visible inside.
    if (n.solidity < 0.6) value = std::max<double>(value, image_[i]);
    blend(i, cover, value);
    mask_[i] = depth > 0;
  });
  size_t centre = 0;
  for (size_t axis = 0; axis < 3; ++axis) {
    const auto at = static_cast<size_t>(std::lround(n.centre[axis] / g_.spacing[axis]));
    centre = centre * static_cast<size_t>(g_.size[axis]) + at;
  }
  mask_[centre] = 1;  // thin or coarse grids: a nodule is at least its centre
}

void Canvas::finish(double noise, std::vector<float>& image, std::vector<uint8_t>& mask) {
  for (auto& value : image_)
    value = static_cast<float>(
        std::clamp(std::round(value + noise * random_.normal()), -1024.0, 3071.0) + 0.0);  // no -0
  image = std::move(image_), mask = std::move(mask_);
}

}  // namespace hilum::data::phantom
