// SPDX-License-Identifier: Apache-2.0
#include "core/data/nifti.hpp"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "hilum/error.hpp"

namespace hilum::data {
namespace {

constexpr uintmax_t kBestCompression = 1100;  // of deflate, about

constexpr auto kDamaged = "is damaged: its compressed data do not fit their checksum.";

using Matrix =
    std::array<std::array<double, 4>, 3>;  // voxel (i, j, k, 1) -> mm, right-anterior-superior

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& what) {
  throw Error(file.string() + ": " + what, Fault::data);
}

template <class T>
T field(const char* at, bool swap) {
  char bytes[sizeof(T)];
  std::copy(at, at + sizeof(T), bytes);
  if (swap) std::reverse(bytes, bytes + sizeof(T));
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

/// What is needed of a header, both versions alike.
struct Header {
  bool swap = false;
  std::array<int64_t, 8> dim{};
  std::array<double, 8> pixdim{};
  int type = 0, qform = 0, sform = 0, units = 0;
  double offset = 0, slope = 0, intercept = 0;
  std::array<double, 6> quaternion{};  // b, c, d, x, y, z
  Matrix affine{};
};

// Offsets of the fields: nifti1.h and nifti2.h. Lengths, indices and floats are twice as long in
// version 2.
template <class Index, class Real>
Header parse(const char* b, bool swap, const std::array<int, 11>& at) {
  Header h;
  h.swap = swap;
  for (size_t i = 0; i < 8; ++i) {
    h.dim[i] = field<Index>(b + at[0] + i * sizeof(Index), swap);
    h.pixdim[i] = static_cast<double>(field<Real>(b + at[1] + i * sizeof(Real), swap));
  }
  h.type = field<int16_t>(b + at[2], swap);
  h.slope = static_cast<double>(field<Real>(b + at[4], swap));
  h.intercept = static_cast<double>(field<Real>(b + at[5], swap));
  for (size_t i = 0; i < 6; ++i)
    h.quaternion[i] = static_cast<double>(field<Real>(b + at[8] + i * sizeof(Real), swap));
  for (size_t i = 0; i < 12; ++i)
    h.affine[i / 4][i % 4] = static_cast<double>(field<Real>(b + at[9] + i * sizeof(Real), swap));
  const bool second = sizeof(Index) == 8;
  h.offset =
      second ? static_cast<double>(field<int64_t>(b + at[3], swap)) : field<float>(b + at[3], swap);
  h.qform = second ? field<int32_t>(b + at[6], swap) : field<int16_t>(b + at[6], swap);
  h.sform = second ? field<int32_t>(b + at[7], swap) : field<int16_t>(b + at[7], swap);
  h.units = second ? field<int32_t>(b + at[10], swap) : field<uint8_t>(b + at[10], swap);
  return h;
}

Header parse(const char* bytes, size_t size, const std::filesystem::path& file) {
  for (const bool swap : {false, true}) {
    const auto length = size < 348 ? 0 : field<int32_t>(bytes, swap);
    if (length == 348 && std::strncmp(bytes + 344, "n+1", 4) == 0)
      return parse<int16_t, float>(bytes, swap,
                                   {40, 76, 70, 108, 112, 116, 252, 254, 256, 280, 123});
    if (length == 540 && size >= 540 && std::strncmp(bytes + 4, "n+2", 4) == 0)
      return parse<int64_t, double>(bytes, swap,
                                    {16, 104, 12, 168, 176, 184, 344, 348, 352, 400, 500});
  }
  fail(file, "is no NIfTI file, or is cut short within its header.");
}

// "Method 2" of nifti1.h: a rotation as a quaternion, and a sign of the third axis in pixdim[0].
Matrix from_quaternion(const Header& h) {
  double b = h.quaternion[0], c = h.quaternion[1], d = h.quaternion[2];
  double a = 1 - (b * b + c * c + d * d);
  if (a < 1e-7) {
    const double length = std::sqrt(b * b + c * c + d * d);
    b /= length, c /= length, d /= length, a = 0;
  } else {
    a = std::sqrt(a);
  }
  const double sx = h.pixdim[1], sy = h.pixdim[2],
               sz = h.pixdim[0] < 0 ? -h.pixdim[3] : h.pixdim[3];
  return {{{(a * a + b * b - c * c - d * d) * sx, 2 * (b * c - a * d) * sy,
            2 * (b * d + a * c) * sz, h.quaternion[3]},
           {2 * (b * c + a * d) * sx, (a * a + c * c - b * b - d * d) * sy,
            2 * (c * d - a * b) * sz, h.quaternion[4]},
           {2 * (b * d - a * c) * sx, 2 * (c * d + a * b) * sy,
            (a * a + d * d - b * b - c * c) * sz, h.quaternion[5]}}};
}

double length(const Matrix& m, size_t column) {
  return std::sqrt(m[0][column] * m[0][column] + m[1][column] * m[1][column] +
                   m[2][column] * m[2][column]);
}

bool is_orthogonal(const Matrix& m) {
  for (const auto& [i, j] : {std::pair{0, 1}, {0, 2}, {1, 2}}) {
    const size_t a = static_cast<size_t>(i), b = static_cast<size_t>(j);
    const double dot = m[0][a] * m[0][b] + m[1][a] * m[1][b] + m[2][a] * m[2][b];
    if (!(std::abs(dot) < 1e-3 * length(m, a) * length(m, b))) return false;
  }
  return true;
}

// The sform, as most tools prefer it; the qform where there is none or it is sheared; else the
// axes.
Matrix affine_of(const Header& h, const std::filesystem::path& file) {
  if (h.sform > 0 && is_orthogonal(h.affine)) return h.affine;
  if (h.qform > 0) return from_quaternion(h);
  if (h.sform > 0)
    fail(file, "its axes are not at right angles (sheared sform). Resample it first.");
  return {{{h.pixdim[1], 0, 0, 0}, {0, h.pixdim[2], 0, 0}, {0, 0, h.pixdim[3], 0}}};
}

Geometry geometry_of(Header h, const std::filesystem::path& file) {
  const int64_t axes = h.dim[0];
  if (axes < 2 || axes > 7)
    fail(file, "has " + std::to_string(axes) + " dimensions; a region has 3 (or 2).");
  for (int64_t i = 4; i <= axes; ++i)
    if (h.dim[static_cast<size_t>(i)] > 1)
      fail(file, "has " + std::to_string(axes) + " dimensions; a region has 3 (or 2). Split it.");
  if (axes == 2) h.dim[3] = 1;
  for (size_t i = 1; i < 4; ++i) {
    h.pixdim[i] = std::abs(h.pixdim[i]);
    if (axes == 2 && i == 3 && !(h.pixdim[i] > 0)) h.pixdim[i] = 1;
  }
  const Matrix m = affine_of(h, file);
  const int unit = h.units & 7;
  const double scale = unit == 1 ? 1000 : unit == 3 ? 0.001 : 1;  // metres, micrometres, mm
  Geometry g;
  for (size_t i = 0; i < 3; ++i) {
    // pixdim is as it was measured, the matrix's columns carry its rounding; where they differ the
    // matrix counts.
    double spacing = length(m, i);
    if (std::abs(spacing - h.pixdim[i + 1]) < 1e-3 * spacing) spacing = h.pixdim[i + 1];
    g.size[2 - i] = h.dim[i + 1];
    g.spacing[2 - i] = spacing * scale;
    for (size_t row = 0; row < 3; ++row)  // ITK's axes are left, posterior, superior
      g.direction[row * 3 + i] = (row < 2 ? -1 : 1) * m[row][i] / length(m, i) + 0.0;
    g.origin[i] = (i < 2 ? -1 : 1) * m[i][3] * scale + 0.0;
  }
  return g;
}

template <class T>
void convert(const std::vector<char>& bytes, const Header& h, std::vector<float>& voxels) {
  const bool scaled = std::isfinite(h.slope) && h.slope != 0 && (h.slope != 1 || h.intercept != 0);
  const double intercept = std::isfinite(h.intercept) ? h.intercept : 0;
  for (size_t i = 0; i < voxels.size(); ++i) {
    const T value = field<T>(bytes.data() + i * sizeof(T), h.swap);
    voxels[i] =
        static_cast<float>(scaled ? h.slope * static_cast<double>(value) + intercept : value);
  }
}

using Convert = void (*)(const std::vector<char>&, const Header&, std::vector<float>&);
struct Type {
  int code;
  size_t bytes;
  Convert convert;
};
constexpr Type kTypes[] = {{2, 1, convert<uint8_t>},    {4, 2, convert<int16_t>},
                           {8, 4, convert<int32_t>},    {16, 4, convert<float>},
                           {64, 8, convert<double>},    {256, 1, convert<int8_t>},
                           {512, 2, convert<uint16_t>}, {768, 4, convert<uint32_t>},
                           {1024, 8, convert<int64_t>}, {1280, 8, convert<uint64_t>}};

/// Plain or gzipped bytes in order.
class Stream {
 public:
  explicit Stream(const std::filesystem::path& file) : in_(gzopen(file.c_str(), "rb"), gzclose) {
    if (in_) gzbuffer(in_.get(), 1 << 17);
  }
  /// How many of `size` bytes there were.
  size_t read(char* to, size_t size) {
    size_t done = 0;
    while (in_ && done < size) {
      const int got = gzread(in_.get(), to + done,
                             static_cast<unsigned>(std::min<size_t>(size - done, 1 << 30)));
      if (got <= 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }
  bool skip(size_t size) {
    char some[4096];
    for (size_t left = size; left > 0;) {
      const size_t got = read(some, std::min(left, sizeof some));
      if (got == 0) return false;
      left -= got;
    }
    return true;
  }
  /// Reads to the end, where the checksum is.
  void finish() {
    while (skip(4096)) {
    }
  }
  bool damaged() const { return state() == Z_DATA_ERROR; }
  bool cut() const { return state() == Z_BUF_ERROR; }

 private:
  int state() const {
    int code = Z_OK;
    if (in_) gzerror(in_.get(), &code);
    return code;
  }
  std::unique_ptr<gzFile_s, int (*)(gzFile)> in_;
};

}  // namespace

Volume read_nifti(const std::filesystem::path& file) {
  Stream in(file);
  char bytes[540] = {};
  size_t got = in.read(bytes, 348);
  if (got == 348 && (field<int32_t>(bytes, false) == 540 || field<int32_t>(bytes, true) == 540))
    got += in.read(bytes + 348, 540 - 348);
  if (in.damaged()) fail(file, kDamaged);
  const Header header = parse(bytes, got, file);
  Volume volume{geometry_of(header, file), {}};
  const auto type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                 [&](const Type& t) { return t.code == header.type; });
  if (type == std::end(kTypes))
    fail(file, "has voxels of NIfTI type " + std::to_string(header.type) +
                   "; integers and floats are read, one value a voxel.");
  check_geometry(volume.geometry, file);
  const auto count = static_cast<size_t>(voxels(volume.geometry));
  if (count * type->bytes > kBestCompression * std::filesystem::file_size(file))
    fail(file, "is cut short: its header promises " + std::to_string(count) + " voxels.");
  std::vector<char> data(count * type->bytes);
  const double skip = std::max(header.offset, static_cast<double>(got)) - static_cast<double>(got);
  const bool complete = skip < 1e9 && in.skip(static_cast<size_t>(skip)) &&
                        in.read(data.data(), data.size()) == data.size();
  if (complete) in.finish();
  if (in.damaged()) fail(file, kDamaged);
  if (!complete || in.cut())
    fail(file, "is cut short: its header promises " + std::to_string(count) + " voxels.");
  volume.voxels.resize(count);
  type->convert(data, header, volume.voxels);
  return volume;
}

}  // namespace hilum::data
