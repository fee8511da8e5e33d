// SPDX-License-Identifier: Apache-2.0
// DICOM slices made byte by byte, and the folder that tests keep them in.
#pragma once
#include <string>
#include <vector>

#include "core/data/dicom.hpp"
#include "core/util/files.hpp"
#include "tests/unit/data/fixture.hpp"

namespace hilum::data {

constexpr bool kImplicit = true;

inline std::string little(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}
inline std::string element(uint32_t tag, const std::string& vr, std::string value,
                           bool implicit = false) {
  if (value.size() % 2) value += vr == "UI" ? '\0' : ' ';
  std::string text = little(tag >> 16, 2) + little(tag & 0xffff, 2);
  if (implicit) return text + little(value.size(), 4) + value;
  const bool is_long = vr == "OW" || vr == "SQ" || vr == "UN";
  text += vr + (is_long ? std::string(2, '\0') : "");
  return text + little(value.size(), is_long ? 4 : 2) + value;
}

/// A slice of 2 x 3 pixels (H x W), byte by byte.
struct Bytes {
  std::string z = "0", instance = "1", uid = "1.5", series = "1.2.3", modality = "CT";
  std::string orientation = "1\\0\\0\\0\\1\\0", position = "", slope = "2", intercept = "-1000";
  std::vector<int> pixels{0, 1, 2, 3, 4, 5};
  uint16_t rows = 2, columns = 3, stored = 16, is_signed = 1;
  std::string more;  // elements between groups 0028 and 7fe0
  std::string padding, sequence, syntax = "1.2.840.10008.1.2.1";

  std::string text(bool implicit = false) const {
    const auto add = [&](uint32_t tag, const char* vr, const std::string& value) {
      return element(tag, vr, value, implicit);
    };
    std::string data;
    for (const int pixel : pixels) data += little(static_cast<uint64_t>(pixel), 2);
    std::string out = std::string(128, '\0') + "DICM" +
                      element(0x00020010, "UI", implicit ? "1.2.840.10008.1.2" : syntax);
    out += add(0x00080018, "UI", uid) + add(0x00080060, "CS", modality) + sequence +
           add(0x00100020, "LO", "P1") + add(0x00180050, "DS", "2.5") +
           add(0x0020000e, "UI", series) + add(0x00200013, "IS", instance) +
           add(0x00200032, "DS", position.empty() ? "-5\\7\\" + z : position) +
           add(0x00200037, "DS", orientation) + add(0x00280002, "US", little(1, 2)) +
           add(0x00280010, "US", little(rows, 2)) + add(0x00280011, "US", little(columns, 2)) +
           add(0x00280030, "DS", "0.5\\0.75") + add(0x00280100, "US", little(16, 2)) +
           add(0x00280101, "US", little(stored, 2)) +
           add(0x00280102, "US", little(stored - 1u, 2)) +
           add(0x00280103, "US", little(is_signed, 2));
    if (!padding.empty()) out += add(0x00280120, "US", padding);
    if (!intercept.empty()) out += add(0x00281052, "DS", intercept) + add(0x00281053, "DS", slope);
    return out + more + add(0x7fe00010, "OW", data);
  }
};

inline Bytes at(double z, int instance = 1) {
  Bytes bytes;
  char text[16];
  std::snprintf(text, sizeof text, "%g", z);
  bytes.z = text;
  bytes.instance = std::to_string(instance);
  bytes.uid = "1.5." + std::to_string(instance);
  bytes.pixels.assign(6, instance);
  return bytes;
}

class Dicom : public testing::Test {
 protected:
  Series series(const std::vector<Bytes>& slices) {
    Series all{"1.2.3", "P1", "CT", {}};
    for (const Bytes& bytes : slices)
      all.files.push_back(folder_.write(std::to_string(all.files.size()) + ".dcm", bytes.text()));
    return all;
  }
  Scan read(const std::vector<Bytes>& slices) { return read_scan(series(slices)); }
  Error refused(const std::vector<Bytes>& slices) {
    return error_of([&] { read(slices); });
  }
  Folder folder_;
};

}  // namespace hilum::data
