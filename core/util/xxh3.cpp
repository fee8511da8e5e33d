// SPDX-License-Identifier: Apache-2.0
#include "core/util/xxh3.hpp"

#include <fmt/core.h>

#define XXH_INLINE_ALL  // the header alone: programs need no library of it
#include <xxhash.h>

#include <new>

namespace hilum::util {

struct Xxh3::Impl {
  Impl() {
    if (!state) throw std::bad_alloc();
    XXH3_64bits_reset(state);
  }
  ~Impl() { XXH3_freeState(state); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  XXH3_state_t* state = XXH3_createState();
};

Xxh3::Xxh3() : impl_(std::make_unique<Impl>()) {}
Xxh3::~Xxh3() = default;

Xxh3& Xxh3::add(const void* data, size_t bytes) {
  if (bytes > 0) XXH3_64bits_update(impl_->state, data, bytes);
  return *this;
}

std::string Xxh3::hex() const { return fmt::format("{:016x}", XXH3_64bits_digest(impl_->state)); }

uint64_t xxh3(const void* data, size_t bytes) { return XXH3_64bits(data, bytes); }

}  // namespace hilum::util
