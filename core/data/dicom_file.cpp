// SPDX-License-Identifier: Apache-2.0
#include "core/data/dicom_file.hpp"

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "core/data/csv.hpp"

namespace hilum::data {
namespace fs = std::filesystem;
namespace {

constexpr uint32_t kUndefined = 0xffffffff;
constexpr Tag kItem = 0xfffee000, kItemEnd = 0xfffee00d, kSequenceEnd = 0xfffee0dd;
constexpr size_t kMark = 132;     // a preamble of 128 bytes and "DICM"
constexpr uint32_t kLong = 4096;  // no value that is wanted is as long
constexpr int kDeepest = 32;

std::string name(Tag tag) {
  char text[16];
  std::snprintf(text, sizeof text, "(%04x,%04x)", tag >> 16, tag & 0xffff);
  return text;
}

struct Element {
  Tag tag = 0;
  std::array<char, 2> vr{};
  uint32_t length = 0;
};

class Reader {
 public:
  explicit Reader(const fs::path& file) : in_(file, std::ios::binary) {
    out_.file = file;
    std::error_code problem;
    size_ = fs::file_size(file, problem);
    if (!in_ || problem) out_.fail("cannot be read.");
    if (!is_dicom(file)) out_.fail("is no DICOM file: the mark DICM is missing.");
    in_.seekg(kMark);
    at_ = kMark;
  }

  DicomFile read(Tag last) {
    bool syntax_known = false;
    while (at_ < size_) {
      // The first group says how the others are encoded, and is explicit itself.
      if (!syntax_known && size_ - at_ >= 2 && peek_group() != 2) {
        choose_encoding();
        syntax_known = true;
      }
      const Element element = next();
      if (element.tag == tag::kPixels) {
        pixels(element);
        return std::move(out_);
      }
      if (element.tag > last) return std::move(out_);
      value(element);
      if (element.tag == last) return std::move(out_);
    }
    if (!syntax_known) out_.fail("is cut short: it ends after its first group.");
    return std::move(out_);
  }

 private:
  void need(uint64_t bytes, Tag tag) const {
    if (bytes > size_ - at_)
      out_.fail("is cut short: element " + name(tag) + " needs " + std::to_string(bytes) +
                " more bytes, " + std::to_string(size_ - at_) + " are left. Fetch it again.");
  }
  void bytes(char* to, uint64_t count, Tag tag) {
    need(count, tag);
    in_.read(to, static_cast<std::streamsize>(count));
    if (!in_) out_.fail("cannot be read.");
    at_ += count;
  }
  // Little endian, as all that is read here.
  template <class T>
  T integer() {
    T value;
    static_assert(std::endian::native == std::endian::little);
    bytes(reinterpret_cast<char*>(&value), sizeof value, tag_);
    return value;
  }
  void skip(uint64_t count, Tag tag) {
    need(count, tag);
    at_ += count;
    in_.seekg(static_cast<std::streamoff>(at_));
  }
  uint16_t peek_group() {
    uint16_t group = 0;
    in_.read(reinterpret_cast<char*>(&group), sizeof group);
    in_.seekg(static_cast<std::streamoff>(at_));
    return group;
  }

  void choose_encoding() {
    const std::string syntax = out_.text(tag::kSyntax);
    if (syntax.empty()) out_.fail("names no transfer syntax (0002,0010).");
    if (syntax == "1.2.840.10008.1.2.2" || syntax == "1.2.840.10008.1.2.1.99")
      out_.fail(std::string("is stored ") + (syntax.ends_with("99") ? "deflated" : "big endian") +
                ", which is not read here. Convert it to Explicit VR Little Endian.");
    implicit_ = syntax == "1.2.840.10008.1.2";
    out_.compressed = !implicit_ && syntax != "1.2.840.10008.1.2.1";
  }

  Element next() {
    Element element;
    const uint32_t group = integer<uint16_t>();
    element.tag = tag_ = group << 16 | integer<uint16_t>();
    if (implicit_ || group == 0xfffe) {  // items have no VR in any encoding
      element.length = integer<uint32_t>();
      return element;
    }
    bytes(element.vr.data(), 2, tag_);
    const std::string_view vr(element.vr.data(), 2);
    for (const char c : vr)
      if (c < 'A' || c > 'Z') out_.fail("element " + name(tag_) + " has a type that is none.");
    static constexpr std::string_view kLongForms = "OB OD OF OL OV OW SQ SV UC UN UR UT UV";
    if (kLongForms.find(vr) == kLongForms.npos) {
      element.length = integer<uint16_t>();
    } else {
      skip(2, tag_);
      element.length = integer<uint32_t>();
    }
    return element;
  }

  void value(const Element& element) {
    if (element.length == kUndefined) return sequence(element, 0);
    if (element.length > kLong || element.tag >> 16 > 0x0028)
      return skip(element.length, element.tag);
    std::string text(element.length, '\0');
    bytes(text.data(), text.size(), element.tag);
    out_.values[element.tag] = std::move(text);
  }

  // Nothing in a sequence is wanted; one of undefined length has to be walked through.
  void sequence(const Element& element, int depth) {
    if (depth > kDeepest) out_.fail("has sequences in sequences beyond any sense.");
    const bool outer = implicit_;
    if (element.vr == std::array{'U', 'N'})
      implicit_ = true;  // by the standard, whatever is around
    for (Element item = next(); item.tag != kSequenceEnd; item = next()) {
      if (item.tag != kItem)
        out_.fail("element " + name(item.tag) + " stands where an item of the sequence " +
                  name(element.tag) + " should.");
      if (item.length != kUndefined) {
        skip(item.length, item.tag);
        continue;
      }
      for (Element inner = next(); inner.tag != kItemEnd; inner = next()) {
        if (inner.length == kUndefined)
          sequence(inner, depth + 1);
        else
          skip(inner.length, inner.tag);
      }
    }
    implicit_ = outer;
  }

  void pixels(const Element& element) {
    out_.pixel_offset = at_;
    if (element.length == kUndefined) {
      if (!out_.compressed) out_.fail("has pixels of unknown length.");
      return sequence(element, 0);  // decoders fill up what a cut file lacks
    }
    need(element.length, element.tag);
    out_.pixel_bytes = element.length;
  }

  std::ifstream in_;
  DicomFile out_;
  uint64_t size_ = 0, at_ = 0;
  Tag tag_ = 0;  // what is read, for errors
  bool implicit_ = false;
};

}  // namespace

void DicomFile::fail(const std::string& what) const {
  throw Error(file.string() + ": " + what, Fault::data);
}

std::string DicomFile::text(Tag tag) const {
  const auto found = values.find(tag);
  if (found == values.end()) return {};
  constexpr std::string_view kEmpty(" \t\r\n\0", 5);
  const std::string_view text = found->second;
  const auto from = text.find_first_not_of(kEmpty);
  if (from == text.npos) return {};
  return std::string(text.substr(from, text.find_last_not_of(kEmpty) - from + 1));
}

std::vector<double> DicomFile::numbers(Tag tag) const {
  std::vector<double> all;
  std::string text = this->text(tag);
  for (size_t at = 0; !text.empty() && at != text.npos;) {
    const size_t end = text.find('\\', at);
    std::string one = text.substr(at, end == text.npos ? end : end - at);
    std::erase(one, ' ');
    const auto value = to_number(one);
    if (!value || !std::isfinite(*value))
      fail("element " + name(tag) + ": value '" + text + "', numbers are needed.");
    all.push_back(*value);
    at = end == text.npos ? end : end + 1;
  }
  return all;
}

std::optional<uint16_t> DicomFile::number16(Tag tag) const {
  const auto found = values.find(tag);
  uint16_t value = 0;
  if (found == values.end() || found->second.size() < sizeof value) return std::nullopt;
  std::memcpy(&value, found->second.data(), sizeof value);
  return value;
}

bool is_dicom(const fs::path& file) {
  std::array<char, kMark> start{};
  std::ifstream in(file, std::ios::binary);
  return in.read(start.data(), start.size()) && std::memcmp(start.data() + 128, "DICM", 4) == 0;
}

DicomFile read_dicom(const fs::path& file, Tag last) { return Reader(file).read(last); }

}  // namespace hilum::data
