// SPDX-License-Identifier: Apache-2.0
// The elements of one DICOM file. Read here and not by GDCM, because GDCM as Debian builds it ends
// the program (an assertion) on some broken headers, and pads what a cut file lacks with 0.
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hilum::data {

/// Group in the upper half, element in the lower: 0x0020000e is (0020,000e).
using Tag = uint32_t;
namespace tag {
constexpr Tag kClass = 0x00020002, kSyntax = 0x00020010, kSopUid = 0x00080018,
              kModality = 0x00080060, kPatient = 0x00100020, kThickness = 0x00180050,
              kSpacingBetween = 0x00180088, kSeries = 0x0020000e, kInstance = 0x00200013,
              kPosition = 0x00200032, kOrientation = 0x00200037, kSamples = 0x00280002,
              kFrames = 0x00280008, kRows = 0x00280010, kColumns = 0x00280011,
              kSpacing = 0x00280030, kAllocated = 0x00280100, kStored = 0x00280101,
              kHighBit = 0x00280102, kSigned = 0x00280103, kPadding = 0x00280120,
              kPaddingLimit = 0x00280121, kIntercept = 0x00281052, kSlope = 0x00281053,
              kPixels = 0x7fe00010;
}  // namespace tag

struct DicomFile {
  std::filesystem::path file;
  std::map<Tag, std::string> values;  // up to group 0028, short ones, as stored
  bool compressed = false;
  uint64_t pixel_offset = 0, pixel_bytes = 0;  // bytes: 0 where compressed or without pixels

  /// Without blanks and zeros around it; "" where there is none.
  std::string text(Tag tag) const;
  /// The decimal numbers of a text value, parted by backslashes. Throws Error (Fault::data) for
  /// other text.
  std::vector<double> numbers(Tag tag) const;
  /// A 16 bit value.
  std::optional<uint16_t> number16(Tag tag) const;
  [[noreturn]] void fail(const std::string& what) const;
};

/// True if the file has the mark that every DICOM file has.
bool is_dicom(const std::filesystem::path& file);
/// Reads elements up to and with `last`. Throws Error (Fault::data) naming the file: no DICOM, cut
/// short, an encoding that is not read (big endian, deflated).
DicomFile read_dicom(const std::filesystem::path& file, Tag last = tag::kPixels);

}  // namespace hilum::data
