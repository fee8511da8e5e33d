// SPDX-License-Identifier: Apache-2.0
// What a phantom is painted with. Positions are in mm from the first voxel, axes D, H, W. Only +,
// -, *, / and square roots are used, which IEEE arithmetic rounds the same way everywhere.
#pragma once
#include <array>
#include <vector>

#include "core/data/phantom.hpp"
#include "core/util/random.hpp"

namespace hilum::data::phantom {

using Point = std::array<double, 3>;

/// A nodule's shape and substance; shares and strengths are in [0,1].
struct Nodule {
  NoduleType type = NoduleType::isolated;
  Point centre{};
  double diameter = 8;   // mm
  double roundness = 1;  // shortest axis by longest
  double lobulation = 0, spiculation = 0;
  double softness = 0.3;  // width of the edge, mm
  double solidity = 1;    // 0: lung, 1: soft tissue
  double cavity = 0;      // radius of the air inside, share of the nodule's
  double core = 0;        // radius of the calcified core, share of the nodule's
};

/// Paints one region in HU. The order of calls is the order of paint.
class Canvas {
 public:
  Canvas(const Geometry& geometry, util::Random& random);
  void lung(double hu, double texture);
  /// Branching bright tubes from the edges; some reach the nodule, none covers it.
  void vessels(int trees, const Nodule& nodule);
  void wall_at(const Nodule& nodule);      // the nodule sits on it
  void wall_beside(const Nodule& nodule);  // it fills a corner, away from the nodule
  void nodule(const Nodule& nodule);
  /// Adds noise and rounds to whole HU.
  void finish(double noise, std::vector<float>& image, std::vector<uint8_t>& mask);

 private:
  struct Box {
    std::array<int64_t, 3> from, to;
  };
  Box box(const Point& low, const Point& high, double margin) const;
  template <class Paint>
  void each(const Box& box, Paint paint);
  void tube(const Point& a, const Point& b, double radius, double hu);
  void branch(Point from, Point direction, double radius, double length, int depth);
  void wall(const Point& inward, double depth_of_surface);
  void blend(size_t voxel, double share, double hu) {
    image_[voxel] += static_cast<float>(share * (hu - image_[voxel]));
  }
  Point direction();  // uniform on the sphere

  const Geometry& g_;
  util::Random& random_;
  std::vector<float> image_;
  std::vector<uint8_t> mask_;
  std::vector<uint8_t> wall_;
};

}  // namespace hilum::data::phantom
