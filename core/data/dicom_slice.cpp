// SPDX-License-Identifier: Apache-2.0
#include "core/data/dicom_slice.hpp"

#include <gdcmImageReader.h>
#include <gdcmTrace.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <mutex>

#include "hilum/error.hpp"

namespace hilum::data {
namespace {

constexpr int64_t kLargest = 16384;  // pixels; nothing larger is a CT slice

template <size_t N>
std::array<double, N> need_numbers(const DicomFile& dicom, Tag tag, const char* what) {
  const std::vector<double> all = dicom.numbers(tag);
  if (all.size() != N)
    dicom.fail("has " + std::to_string(all.size()) + " numbers as its " + what + "; " +
               std::to_string(N) + " are needed.");
  std::array<double, N> out{};
  std::copy(all.begin(), all.end(), out.begin());
  return out;
}

void check_kind(const DicomFile& dicom) {
  const std::string modality = dicom.text(tag::kModality);
  if (modality != "CT") dicom.fail("is no CT: modality '" + modality + "'.");
  if (const auto samples = dicom.number16(tag::kSamples).value_or(1); samples != 1)
    dicom.fail("has " + std::to_string(samples) + " values a pixel (colour); a CT slice has one.");
  if (const auto frames = dicom.numbers(tag::kFrames); !frames.empty() && frames[0] != 1)
    dicom.fail(
        "has several frames (enhanced CT), which is not read here. Convert it to one file "
        "a slice.");
}

void check_axes(const CtSlice& slice) {
  const auto* o = slice.orientation.data();
  const auto dot = [](const double* a, const double* b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  };
  if (std::abs(dot(o, o) - 1) > 1e-3 || std::abs(dot(o + 3, o + 3) - 1) > 1e-3 ||
      std::abs(dot(o, o + 3)) > 1e-3)
    slice.dicom.fail("has an orientation whose axes are not of length 1 and at right angles.");
  for (const double mm : slice.spacing)
    if (!(mm > 0)) slice.dicom.fail("has a pixel spacing that is not above 0 mm.");
}

/// How a pixel lies in its bytes.
struct Layout {
  int allocated = 16, stored = 16, high_bit = 15;
  bool is_signed = false;
};

void check_layout(const DicomFile& dicom, const Layout& layout) {
  if ((layout.allocated != 8 && layout.allocated != 16) || layout.stored < 1 ||
      layout.stored > layout.allocated || layout.high_bit >= layout.allocated ||
      layout.high_bit + 1 < layout.stored)
    dicom.fail("has pixels of " + std::to_string(layout.stored) + " bits in " +
               std::to_string(layout.allocated) + ", highest " + std::to_string(layout.high_bit) +
               "; 8 and 16 bits are read here.");
}

/// What PixelPaddingValue, and PixelPaddingRangeLimit if there is one, stand for.
struct Padding {
  bool given = false;
  int from = 0, to = 0;
  bool holds(int value) const { return given && from <= value && value <= to; }
};

int as_number(uint16_t bits, bool is_signed) {
  return is_signed ? static_cast<int16_t>(bits) : bits;
}

Padding padding_of(const DicomFile& dicom, bool is_signed) {
  const auto value = dicom.number16(tag::kPadding);
  if (!value) return {};
  const int from = as_number(*value, is_signed);
  const int to = as_number(dicom.number16(tag::kPaddingLimit).value_or(*value), is_signed);
  return {true, std::min(from, to), std::max(from, to)};
}

std::vector<char> stored_bytes(const DicomFile& dicom, size_t count) {
  if (dicom.pixel_bytes < count)
    dicom.fail("is cut short: " + std::to_string(dicom.pixel_bytes) + " bytes of pixels, " +
               std::to_string(count) + " are needed.");
  std::vector<char> bytes(count);
  std::ifstream in(dicom.file, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(dicom.pixel_offset));
  if (!in.read(bytes.data(), static_cast<std::streamsize>(count))) dicom.fail("cannot be read.");
  return bytes;
}

// JPEG, JPEG-LS, JPEG 2000 and run lengths are GDCM's business.
std::vector<char> decompress(const CtSlice& slice, Layout& layout) try {
  static std::once_flag quiet;
  std::call_once(quiet, [] {
    gdcm::Trace::DebugOff();
    gdcm::Trace::WarningOff();
    gdcm::Trace::ErrorOff();
  });
  gdcm::ImageReader reader;
  reader.SetFileName(slice.dicom.file.c_str());
  if (!reader.Read()) slice.dicom.fail("its compressed pixels cannot be read.");
  const gdcm::Image& image = reader.GetImage();
  const gdcm::PixelFormat& format = image.GetPixelFormat();
  layout = {format.GetBitsAllocated(), format.GetBitsStored(), format.GetHighBit(),
            format.GetPixelRepresentation() != 0};
  check_layout(slice.dicom, layout);
  const auto count = static_cast<size_t>(slice.rows * slice.columns * layout.allocated / 8);
  if (image.GetBufferLength() != count)
    slice.dicom.fail("its compressed pixels are not " + std::to_string(slice.rows) + " x " +
                     std::to_string(slice.columns) + " (H x W).");
  std::vector<char> bytes(count);
  if (!image.GetBuffer(bytes.data())) slice.dicom.fail("its compressed pixels cannot be decoded.");
  return bytes;
} catch (const Error&) {
  throw;
} catch (const std::exception& error) {
  slice.dicom.fail(std::string("its compressed pixels cannot be read: ") + error.what() + ".");
}

Layout layout_of(const DicomFile& dicom) {
  const int allocated = dicom.number16(tag::kAllocated).value_or(0);
  const int stored = dicom.number16(tag::kStored).value_or(static_cast<uint16_t>(allocated));
  return {allocated, stored,
          dicom.number16(tag::kHighBit).value_or(static_cast<uint16_t>(stored - 1)),
          dicom.number16(tag::kSigned).value_or(0) == 1};
}

}  // namespace

std::array<double, 3> CtSlice::normal() const {
  const auto& o = orientation;
  return {o[1] * o[5] - o[2] * o[4], o[2] * o[3] - o[0] * o[5], o[0] * o[4] - o[1] * o[3]};
}

CtSlice read_slice_header(const std::filesystem::path& file) {
  CtSlice slice{.dicom = read_dicom(file)};
  const DicomFile& dicom = slice.dicom;
  check_kind(dicom);
  slice.series = dicom.text(tag::kSeries);
  slice.sop_uid = dicom.text(tag::kSopUid);
  const auto instance = dicom.numbers(tag::kInstance);
  slice.instance = instance.empty() || std::abs(instance[0]) > 1e15
                       ? std::numeric_limits<int64_t>::max()
                       : static_cast<int64_t>(instance[0]);
  slice.rows = dicom.number16(tag::kRows).value_or(0);
  slice.columns = dicom.number16(tag::kColumns).value_or(0);
  if (slice.rows < 1 || slice.columns < 1 || slice.rows > kLargest || slice.columns > kLargest)
    dicom.fail("has " + std::to_string(slice.rows) + " rows and " + std::to_string(slice.columns) +
               " columns; allowed 1 to " + std::to_string(kLargest) + ".");
  if (dicom.pixel_offset == 0) dicom.fail("has no pixels; it may be cut short.");
  slice.spacing = need_numbers<2>(dicom, tag::kSpacing, "pixel spacing (0028,0030)");
  slice.position = need_numbers<3>(dicom, tag::kPosition, "position (0020,0032)");
  slice.orientation = need_numbers<6>(dicom, tag::kOrientation, "orientation (0020,0037)");
  check_axes(slice);
  const auto slope = dicom.numbers(tag::kSlope), intercept = dicom.numbers(tag::kIntercept);
  slice.rescaled = !slope.empty() && !intercept.empty();
  if (slice.rescaled) slice.slope = slope[0], slice.intercept = intercept[0];
  if (slice.slope == 0) dicom.fail("has a rescale slope of 0: every voxel would be the same.");
  for (const Tag tag : {tag::kSpacingBetween, tag::kThickness})
    if (const auto mm = dicom.numbers(tag); !slice.thickness && !mm.empty() && mm[0] > 0)
      slice.thickness = mm[0];
  return slice;
}

Replaced read_slice_pixels(const CtSlice& slice, double fill, std::span<float> out) {
  Layout layout = layout_of(slice.dicom);
  check_layout(slice.dicom, layout);
  const size_t count = out.size();
  const std::vector<char> bytes =
      slice.dicom.compressed
          ? decompress(slice, layout)
          : stored_bytes(slice.dicom, count * static_cast<size_t>(layout.allocated / 8));
  const Padding padding = padding_of(slice.dicom, layout.is_signed);
  const int shift = layout.high_bit + 1 - layout.stored, unused = 32 - layout.stored;
  Replaced replaced;
  for (size_t i = 0; i < count; ++i) {
    uint16_t raw = static_cast<unsigned char>(bytes[i]);
    if (layout.allocated == 16) std::memcpy(&raw, bytes.data() + 2 * i, 2);
    // Bits above the highest stored one may hold anything, such as overlays.
    const uint32_t top = static_cast<uint32_t>(raw >> shift) << unused;
    const int stored =
        layout.is_signed ? static_cast<int32_t>(top) >> unused : static_cast<int>(top >> unused);
    const double hu = slice.slope * stored + slice.intercept;
    // Padding is often a number that does not fit the stored bits, so it is compared as it lies.
    const bool padded = padding.holds(stored) || padding.holds(as_number(raw, layout.is_signed));
    const bool below = !padded && hu < fill;
    replaced.padding += padded;
    replaced.below += below;
    out[i] = static_cast<float>(padded || below ? fill : hu);
  }
  return replaced;
}

}  // namespace hilum::data
