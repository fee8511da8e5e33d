// SPDX-License-Identifier: Apache-2.0
// Lines over a grid, as inline SVG.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

namespace hilum::report::html {

struct Line {
  std::string label, colour;  // a CSS class
  std::vector<double> x, y;   // what is not finite is a gap
  bool dashed = false, marks = false;
};
struct Chart {
  std::string title, x_label, y_label;
  std::vector<Line> lines;
  std::optional<std::array<double, 2>> range = {};  // of both axes; none: what the lines need
  bool diagonal = false;
};
/// A figure with legend. The alternative text has each line's last value. "" without a point.
std::string chart(const Chart& chart);

}  // namespace hilum::report::html
