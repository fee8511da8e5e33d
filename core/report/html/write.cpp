// SPDX-License-Identifier: Apache-2.0
#include "core/report/html/write.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

namespace hilum::report::html {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  return out;
}

std::string shown(std::optional<double> value, int digits) {
  if (!value || !std::isfinite(*value)) return "–";
  return fmt::format("{:.{}f}", *value, digits);
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  const auto at = [&](size_t i) {
    return i < bytes.size() ? static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) : 0U;
  };
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const uint32_t three = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    out += letters[three >> 18], out += letters[three >> 12 & 63];
    out += i + 1 < bytes.size() ? letters[three >> 6 & 63] : '=';
    out += i + 2 < bytes.size() ? letters[three & 63] : '=';
  }
  return out;
}

SortTable::SortTable(std::string caption, const std::vector<std::string>& headings) {
  html_ =
      "<div class=wide><table class=sort><caption>" + escaped(caption) + "</caption><thead><tr>";
  for (const auto& heading : headings)
    html_ += "<th scope=col><button type=button>" + escaped(heading) + "</button></th>";
  html_ += "</tr></thead><tbody>\n";
}

void SortTable::row(const std::vector<Cell>& cells) {
  html_ += "<tr>";
  for (size_t i = 0; i < cells.size(); ++i) {
    const auto& cell = cells[i];
    const char* tag = i == 0 ? "th" : "td";
    html_ += fmt::format("<{}{}", tag, i == 0 ? " scope=row" : "");
    if (*cell.css) html_ += fmt::format(" class=\"{}\"", cell.css);
    if (cell.key) html_ += fmt::format(" data-k=\"{:.6g}\"", *cell.key);
    html_ += fmt::format(">{}</{}>", cell.html, tag);
  }
  html_ += "</tr>\n";
  ++rows_;
}

std::string SortTable::html() const { return html_ + "</tbody></table></div>\n"; }

SortTable::Cell SortTable::number(std::optional<double> value, int digits, const char* css) {
  if (value && !std::isfinite(*value)) value.reset();
  return {shown(value, digits), value, css};
}

}  // namespace hilum::report::html
