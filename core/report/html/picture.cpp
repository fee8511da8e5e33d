// SPDX-License-Identifier: Apache-2.0
#include "core/report/html/picture.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "hilum/error.hpp"

namespace hilum::report::html {
namespace {

using Bytes = std::basic_string<char>;

Bytes big_endian(uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
          static_cast<char>(n)};
}

const Bytef* zlib_bytes(const Bytes& bytes) { return reinterpret_cast<const Bytef*>(bytes.data()); }

Bytes chunk(const Bytes& kind, const Bytes& data) {
  const Bytes body = kind + data;
  const auto check = crc32(crc32(0, nullptr, 0), zlib_bytes(body), static_cast<uInt>(body.size()));
  return big_endian(static_cast<uint32_t>(data.size())) + body +
         big_endian(static_cast<uint32_t>(check));
}

Bytes deflated(const Bytes& raw) {
  uLongf size = compressBound(static_cast<uLong>(raw.size()));
  std::vector<Bytef> out(size);
  if (compress2(out.data(), &size, zlib_bytes(raw), static_cast<uLong>(raw.size()), 9) != Z_OK)
    throw Error("A picture could not be compressed: zlib has no memory.");
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)};
}

/// Edges in a row on each of the `lines` + 1 lines between and around the voxels, joined:
/// `draw(line, begin, length)`.
template <class Edge, class Draw>
void edges(int64_t lines, int64_t length, Edge edge, Draw draw) {
  for (int64_t line = 0; line <= lines; ++line)
    for (int64_t i = 0; i < length;) {
      const int64_t begin = i;
      while (i < length && edge(line, i)) ++i;
      if (i > begin)
        draw(line, begin, i - begin);
      else
        ++i;
    }
}

}  // namespace

std::string grey_png(const Slice<float>& slice, std::array<double, 2> window) {
  Bytes raw;
  uint8_t left = 0;
  for (int64_t y = 0; y < slice.height; ++y) {
    raw += '\1';  // filter "sub": the difference to the pixel on the left packs better
    left = 0;
    for (int64_t x = 0; x < slice.width; ++x) {
      const double value = slice.values[static_cast<size_t>(y * slice.width + x)];
      const double share = std::clamp((value - window[0]) / (window[1] - window[0]), 0.0, 1.0);
      const auto grey = static_cast<uint8_t>(std::lround(255 * share));
      raw += static_cast<char>(grey - left);
      left = grey;
    }
  }
  const Bytes header = big_endian(static_cast<uint32_t>(slice.width)) +
                       big_endian(static_cast<uint32_t>(slice.height)) + Bytes("\x8\0\0\0\0", 5);
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunk("IDAT", deflated(raw)) +
         chunk("IEND", "");
}

std::string outline(const Slice<uint8_t>& mask) {
  const auto in = [&](int64_t y, int64_t x) {
    return y >= 0 && x >= 0 && y < mask.height && x < mask.width &&
           mask.values[static_cast<size_t>(y * mask.width + x)] != 0;
  };
  std::string path;
  edges(
      mask.height, mask.width, [&](int64_t y, int64_t x) { return in(y - 1, x) != in(y, x); },
      [&](int64_t y, int64_t x, int64_t n) { path += fmt::format("M{} {}h{}", x, y, n); });
  edges(
      mask.width, mask.height, [&](int64_t x, int64_t y) { return in(y, x - 1) != in(y, x); },
      [&](int64_t x, int64_t y, int64_t n) { path += fmt::format("M{} {}v{}", x, y, n); });
  return path;
}

}  // namespace hilum::report::html
