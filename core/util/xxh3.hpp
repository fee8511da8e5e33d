// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace hilum::util {

/// XXH3 with 64 bits over pieces: as fast as memory is read. It tells what differs by accident;
/// whoever wants two texts with one digest can make them.
class Xxh3 {
 public:
  Xxh3();
  ~Xxh3();
  Xxh3& add(const void* data, size_t bytes);
  Xxh3& add(std::string_view text) { return add(text.data(), text.size()); }
  /// 16 hexadecimal digits of what was added so far.
  std::string hex() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Of one piece.
uint64_t xxh3(const void* data, size_t bytes);

}  // namespace hilum::util
