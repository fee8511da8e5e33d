// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace hilum::util {

/// SHA-256 over pieces, in hexadecimal.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256& add(const void* data, size_t bytes);
  Sha256& add(std::string_view text) { return add(text.data(), text.size()); }
  std::string hex();  // once

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string sha256(std::string_view text);
/// Throws Error where the file cannot be read.
std::string sha256_file(const std::filesystem::path& file);
/// Of this program as it runs, also where its file was replaced since.
std::string sha256_program();

}  // namespace hilum::util
