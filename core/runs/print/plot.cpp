// SPDX-License-Identifier: Apache-2.0
#include "core/runs/print/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/runs/print/print_parts.hpp"
#include "hilum/names.hpp"

namespace hilum::runs {
namespace {

constexpr size_t kHeight = 9, kScale = 10, kWidest = 100, kNarrowest = 40, kUsual = 80;

struct Group {
  std::string metric;
  std::vector<const Curve*> curves;
};

// "train.loss" and "val.loss" belong into one plot. train.mask.dice does not: it is a term of the
// loss, and val.mask.dice a figure.
std::string group_of(const Curve& curve) {
  const std::string metric = curve.name.substr(curve.name.find('.') + 1);
  return curve.name.starts_with("train.") && metric != "loss" ? curve.name : metric;
}

std::vector<Group> grouped(const std::vector<Curve>& curves) {
  std::vector<Group> groups;
  for (const auto& curve : curves) {
    const std::string metric = group_of(curve);
    auto group = std::ranges::find(groups, metric, &Group::metric);
    if (group == groups.end()) group = groups.insert(groups.end(), Group{metric, {}});
    group->curves.push_back(&curve);
  }
  return groups;
}

const char* mark_of(const Curve& curve) {
  return curve.name.starts_with("train.") ? "•" : curve.name.starts_with("val.") ? "+" : "x";
}

struct Span {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void add(double value) {
    if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
  }
  double part(double value) const { return high > low ? (value - low) / (high - low) : 0.5; }
};

class Canvas {
 public:
  Canvas(const Group& group, size_t width) : width_(width), cells_(kHeight, Strings(width, " ")) {
    for (const auto* curve : group.curves)
      for (size_t i = 0; i < curve->values.size(); ++i)
        if (std::isfinite(curve->values[i]))
          x_.add(static_cast<double>(curve->epochs[i])), y_.add(curve->values[i]);
    for (const auto* curve : group.curves) draw(*curve);
  }
  bool empty() const { return y_.low > y_.high; }

  std::string text() const {
    std::string out;
    for (size_t row = 0; row < kHeight; ++row) {
      const bool labelled = row % (kHeight / 2) == 0;
      const double value = y_.high - (y_.high - y_.low) * static_cast<double>(row) / (kHeight - 1);
      std::string line;
      for (const auto& cell : cells_[row]) line += cell;
      line.erase(line.find_last_not_of(' ') + 1);
      out += fmt::format("{:>{}} {}{}\n", labelled ? shown(value) : "", kScale - 2,
                         labelled ? "┤" : "│", line);
    }
    const std::string first = fmt::format("{:.0f}", x_.low), last = fmt::format("{:.0f}", x_.high);
    out += std::string(kScale - 1, ' ') + "└";
    for (size_t i = 0; i < width_; ++i) out += "─";
    return out +
           fmt::format("\n{:{}}{}{:>{}}  epoch\n", "", kScale, first, last, width_ - first.size());
  }

 private:
  // A point a column between the first and the last epoch, on the line from value to value.
  void draw(const Curve& curve) {
    for (size_t i = 0; i < curve.values.size(); ++i) {
      if (!std::isfinite(curve.values[i])) continue;
      put(column(curve, i), curve.values[i], mark_of(curve));
      if (i + 1 == curve.values.size() || !std::isfinite(curve.values[i + 1])) continue;
      const size_t from = column(curve, i), to = column(curve, i + 1);
      for (size_t c = from + 1; c < to; ++c) {
        const double part = static_cast<double>(c - from) / static_cast<double>(to - from);
        put(c, curve.values[i] + part * (curve.values[i + 1] - curve.values[i]), mark_of(curve));
      }
    }
  }
  size_t column(const Curve& curve, size_t i) const {
    return static_cast<size_t>(std::lround(x_.part(static_cast<double>(curve.epochs[i])) *
                                           static_cast<double>(width_ - 1)));
  }
  void put(size_t column, double value, const char* mark) {
    const auto row = static_cast<size_t>(std::lround((1 - y_.part(value)) * (kHeight - 1)));
    cells_[row][column] = mark;
  }

  size_t width_;
  Span x_, y_;
  std::vector<Strings> cells_;
};

std::string legend(const Group& group) {
  std::string text = group.metric;
  for (const auto* curve : group.curves) {
    const std::string split = curve->name.substr(0, curve->name.find('.'));
    text += fmt::format("   {} {}{}", mark_of(*curve), split,
                        curve->values.empty() ? "" : " " + shown(curve->values.back()));
  }
  return text;
}

}  // namespace

std::string plots(const std::vector<Curve>& curves, size_t width) {
  width = std::clamp(width == 0 ? kUsual : width, kNarrowest, kWidest) - kScale - 1;
  std::string text;
  for (const auto& group : grouped(curves)) {
    const Canvas canvas(group, width);
    text += "\n" + legend(group) + "\n" + (canvas.empty() ? "  no finite value\n" : canvas.text());
  }
  return text;
}

}  // namespace hilum::runs
