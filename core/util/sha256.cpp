// SPDX-License-Identifier: Apache-2.0
#include "core/util/sha256.hpp"

#include <openssl/evp.h>

#include <array>
#include <fstream>

#include "hilum/error.hpp"

namespace hilum::util {

struct Sha256::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~Impl() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {
  EVP_DigestInit_ex(impl_->context, EVP_sha256(), nullptr);
}
Sha256::~Sha256() = default;

Sha256& Sha256::add(const void* data, size_t bytes) {
  EVP_DigestUpdate(impl_->context, data, bytes);
  return *this;
}

std::string Sha256::hex() {
  std::array<unsigned char, 32> digest{};
  EVP_DigestFinal_ex(impl_->context, digest.data(), nullptr);
  std::string text;
  for (const unsigned char byte : digest) {
    constexpr char digits[] = "0123456789abcdef";
    text += digits[byte >> 4], text += digits[byte & 15];
  }
  return text;
}

std::string sha256(std::string_view text) { return Sha256().add(text).hex(); }

std::string sha256_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw Error(file.string() + ": cannot be read");
  Sha256 hash;
  std::array<char, 1 << 16> buffer;
  while (in.read(buffer.data(), buffer.size()) || in.gcount() > 0)
    hash.add(buffer.data(), static_cast<size_t>(in.gcount()));
  return hash.hex();
}

std::string sha256_program() { return sha256_file("/proc/self/exe"); }

}  // namespace hilum::util
