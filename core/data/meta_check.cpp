// SPDX-License-Identifier: Apache-2.0
#include "core/data/meta_check.hpp"

#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "hilum/error.hpp"

namespace hilum::data {
namespace fs = std::filesystem;
namespace {

/// Where the voxels are.
struct Place {
  fs::path file;
  uintmax_t offset = 0;
  bool compressed = false, known = false;  // lists of files are left to the reader
};

Place place_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  Place place;
  for (std::string line; std::getline(in, line);) {
    const auto equals = line.find('=');
    if (equals == line.npos) break;
    const auto word = [](const std::string& text) {
      const auto first = text.find_first_not_of(" \t\r");
      return first == text.npos ? ""
                                : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
    };
    const std::string key = word(line.substr(0, equals)), value = word(line.substr(equals + 1));
    if (key == "CompressedData")
      place.compressed = value.starts_with('T') || value.starts_with('t') || value == "1";
    if (key == "HeaderSize" && value != "0") return {};
    if (key != "ElementDataFile") continue;
    const bool local = value == "LOCAL" || value == "Local" || value == "local";
    if (value.starts_with("LIST") || value.find('%') != value.npos) return {};
    place.file = local ? file : file.parent_path() / value;
    place.offset = local ? static_cast<uintmax_t>(in.tellg()) : 0;
    place.known = true;
    break;
  }
  return place;
}

/// What the stream expands to, or 0 where it does not end as it should.
uintmax_t inflated_size(const Place& place) {
  std::ifstream in(place.file, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(place.offset));
  std::vector<char> from(1 << 16), to(1 << 17);
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 32) != Z_OK) return 0;  // 32: zlib or gzip, as the data say
  int status = Z_OK;
  while (status == Z_OK) {
    if (stream.avail_in == 0) {
      in.read(from.data(), static_cast<std::streamsize>(from.size()));
      stream.next_in = reinterpret_cast<Bytef*>(from.data());
      stream.avail_in = static_cast<uInt>(in.gcount());
      if (stream.avail_in == 0) break;
    }
    stream.next_out = reinterpret_cast<Bytef*>(to.data());
    stream.avail_out = static_cast<uInt>(to.size());
    status = inflate(&stream, Z_NO_FLUSH);
  }
  const uintmax_t size = status == Z_STREAM_END ? stream.total_out : 0;
  inflateEnd(&stream);
  return size;
}

}  // namespace

void refuse_cut_meta_image(const fs::path& file, uintmax_t bytes) {
  const Place place = place_of(file);
  if (!place.known) return;
  if (!fs::is_regular_file(place.file))
    throw Error(
        file.string() + ": its voxels are in " + place.file.string() + ", which does not exist.",
        Fault::data);
  const uintmax_t size = fs::file_size(place.file);
  const uintmax_t there =
      place.compressed ? inflated_size(place) : size - std::min(size, place.offset);
  if (there < bytes)
    throw Error(place.file.string() + ": is cut short or damaged: its header promises " +
                    std::to_string(bytes) + " bytes of voxels.",
                Fault::data);
}

}  // namespace hilum::data
