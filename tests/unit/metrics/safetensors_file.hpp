// SPDX-License-Identifier: Apache-2.0
// Enough of a safetensors reader for the reference files: no LibTorch, every tensor as doubles or
// bytes.
#pragma once
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace hilum::testing {

class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(in), {});
    uint64_t header = 0;
    if (bytes_.size() < sizeof header) throw std::runtime_error(file.string() + ": no safetensors");
    std::memcpy(&header, bytes_.data(), sizeof header);
    data_ = sizeof header + header;
    json_ = nlohmann::json::parse(bytes_.begin() + sizeof header, bytes_.begin() + data_);
  }
  std::vector<int64_t> shape(const std::string& name) const { return json_.at(name).at("shape"); }
  /// dtype U8, BOOL: uint8_t; F64: double; I64: int64_t.
  template <class T>
  std::vector<T> read(const std::string& name) const {
    const auto& entry = json_.at(name);
    const size_t begin = entry.at("data_offsets")[0], end = entry.at("data_offsets")[1];
    const std::string dtype = entry.at("dtype");
    const std::string wanted = sizeof(T) == 1 ? "U8 BOOL" : std::is_integral_v<T> ? "I64" : "F64";
    if (wanted.find(dtype) == std::string::npos) throw std::runtime_error(name + ": is " + dtype);
    std::vector<T> values((end - begin) / sizeof(T));
    std::memcpy(values.data(), bytes_.data() + data_ + begin, end - begin);
    return values;
  }

 private:
  std::vector<char> bytes_;
  size_t data_ = 0;
  nlohmann::json json_;
};

}  // namespace hilum::testing
