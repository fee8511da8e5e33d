// SPDX-License-Identifier: Apache-2.0
#include "core/report/html/chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/report/html/write.hpp"

namespace hilum::report::html {
namespace {

constexpr double kWidth = 420, kHeight = 250, kLeft = 52, kRight = 10, kTop = 8, kBottom = 38;

struct Axis {
  double low, high, step, from, to;  // from, to: pixels
  double at(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

/// 1, 2 or 5 times a power of ten, so that there are about five ticks.
double tick_step(double range) {
  const double rough = range / 5, power = std::pow(10, std::floor(std::log10(rough)));
  for (const double times : {1.0, 2.0, 5.0})
    if (times * power >= rough * 0.999) return times * power;
  return 10 * power;
}

Axis axis(double low, double high, double from, double to) {
  if (!(high > low)) {  // one value alone
    const double room = low == 0 ? 1 : std::abs(low) / 2;
    low -= room, high += room;
  }
  return {low, high, tick_step(high - low), from, to};
}

/// Least and greatest finite value; nothing without one.
std::optional<std::array<double, 2>> extent(const std::vector<Line>& lines,
                                            std::vector<double> Line::*values) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const auto& line : lines)
    for (size_t i = 0; i < line.y.size(); ++i)
      if (std::isfinite(line.y[i]))
        low = std::min(low, (line.*values)[i]), high = std::max(high, (line.*values)[i]);
  if (low > high) return {};
  return std::array{low, high};
}

std::string label(double value) {
  return fmt::format("{:.4g}", std::abs(value) < 1e-12 ? 0.0 : value);
}

std::string grid(const Axis& x, const Axis& y) {
  std::string out;
  for (double v = std::ceil(x.low / x.step - 1e-9) * x.step; v <= x.high + x.step * 1e-6;
       v += x.step)
    out += fmt::format("<text class=t x={:.1f} y={:.1f} text-anchor=middle>{}</text>", x.at(v),
                       y.from + 14, label(v));
  for (double v = std::ceil(y.low / y.step - 1e-9) * y.step; v <= y.high + y.step * 1e-6;
       v += y.step)
    out += fmt::format(
        "<path class=g d='M{:.1f} {:.1f}H{:.1f}'/><text class=t x={:.1f} y={:.1f} "
        "text-anchor=end>{}</text>",
        x.from, y.at(v), x.to, x.from - 5, y.at(v) + 4, label(v));
  return out;
}

std::string drawn(const Line& line, const Axis& x, const Axis& y) {
  std::string path, marks;
  bool pen = false;
  size_t run = 0;  // points since the last gap
  const auto dot = [&](size_t i) {
    marks += fmt::format("<circle class='{} m' r=3 cx={:.1f} cy={:.1f} />", line.colour,
                         x.at(line.x[i]), y.at(line.y[i]));
  };
  for (size_t i = 0; i < line.y.size(); ++i) {
    if (!std::isfinite(line.y[i])) {
      pen = false, run = 0;
      continue;
    }
    path += fmt::format("{}{:.1f} {:.1f}", pen ? 'L' : 'M', x.at(line.x[i]), y.at(line.y[i]));
    pen = true, ++run;
    const bool ends = i + 1 == line.y.size() || !std::isfinite(line.y[i + 1]);
    if (line.marks || (run == 1 && ends)) dot(i);  // a point alone draws no line
  }
  return fmt::format("<path class='{} l{}' d='{}'/>{}", line.colour, line.dashed ? " dash" : "",
                     path, marks);
}

std::string last_values(const Chart& chart) {
  std::string text;
  for (const auto& line : chart.lines)
    for (size_t i = line.y.size(); i-- > 0;)
      if (std::isfinite(line.y[i])) {
        text += fmt::format("{} {}: {} at {}", text.empty() ? ". Last values:" : ";", line.label,
                            label(line.y[i]), label(line.x[i]));
        break;
      }
  return text;
}

std::string legend(const Chart& chart) {
  std::string out = "<figcaption><b>" + escaped(chart.title) + "</b><span class=legend>";
  for (const auto& line : chart.lines)
    out += fmt::format(
        "<span><svg width=22 height=10 aria-hidden=true><path class='{} l{}' d='M1 5H21'/></svg>"
        "{}</span>",
        line.colour, line.dashed ? " dash" : "", escaped(line.label));
  return out + "</span></figcaption>";
}

}  // namespace

std::string chart(const Chart& chart) {
  auto x_range = extent(chart.lines, &Line::x), y_range = extent(chart.lines, &Line::y);
  if (!x_range || !y_range) return "";
  if (chart.range) x_range = y_range = chart.range;
  const Axis x = axis((*x_range)[0], (*x_range)[1], kLeft, kWidth - kRight);
  const Axis y = axis((*y_range)[0], (*y_range)[1], kHeight - kBottom, kTop);
  std::string out =
      fmt::format("<figure class=chart><svg viewBox='0 0 {} {}' role=img aria-label=\"{}\">{}",
                  kWidth, kHeight, escaped(chart.title + last_values(chart)), grid(x, y));
  if (chart.diagonal)
    out += fmt::format("<path class='g dash' d='M{:.1f} {:.1f}L{:.1f} {:.1f}'/>", x.from, y.from,
                       x.to, y.to);
  for (const auto& line : chart.lines) out += drawn(line, x, y);
  out += fmt::format(
      "<text class=t x={:.1f} y={:.1f} text-anchor=middle>{}</text><text class=t "
      "text-anchor=middle "
      "transform='translate(11 {:.1f}) rotate(-90)'>{}</text></svg>",
      (x.from + x.to) / 2, kHeight - 6, escaped(chart.x_label), (y.from + y.to) / 2,
      escaped(chart.y_label));
  return out + legend(chart) + "</figure>\n";
}

}  // namespace hilum::report::html
