// SPDX-License-Identifier: Apache-2.0
#include "core/runs/ulid.hpp"

#include <chrono>
#include <random>
#include <string_view>

namespace hilum::runs {
namespace {

constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

// The next id: the last digit plus one, with carry.
std::string after(std::string id) {
  for (auto digit = id.rbegin(); digit != id.rend(); ++digit) {
    const size_t value = kDigits.find(*digit);
    if (value + 1 < kDigits.size()) {
      *digit = kDigits[value + 1];
      break;
    }
    *digit = kDigits[0];
  }
  return id;
}

}  // namespace

std::string new_ulid(const std::string& newest) {
  using namespace std::chrono;
  auto ms = static_cast<uint64_t>(
      duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
  std::string id(26, '0');
  for (int i = 9; i >= 0; --i, ms >>= 5) id[static_cast<size_t>(i)] = kDigits[ms & 31];
  thread_local std::random_device random;  // not a seeded engine: forked processes must differ
  for (size_t i = 10; i < id.size(); ++i) id[i] = kDigits[random() & 31];
  return id > newest ? id : after(newest);
}

bool is_ulid_prefix(const std::string& text) {
  if (text.empty() || text.size() > 26) return false;
  for (const char c : text)
    if (kDigits.find(static_cast<char>(std::toupper(static_cast<unsigned char>(c)))) ==
        std::string_view::npos)
      return false;
  return true;
}

}  // namespace hilum::runs
