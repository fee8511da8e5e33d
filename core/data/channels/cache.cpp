// SPDX-License-Identifier: Apache-2.0
#include "core/data/channels/cache.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "core/util/files.hpp"
#include "core/util/sha256.hpp"
#include "hilum/error.hpp"

namespace hilum::data {
namespace {
namespace fs = std::filesystem;

constexpr std::string_view kEnding = ".channel";
constexpr size_t kHex = 64;

// Two lines before the compressed voxels: whose file it is, and the hash of the voxels.
std::string heading(const std::string& key, const void* voxels, size_t bytes) {
  return "hilum channel " + key + "\n" + util::Sha256().add(voxels, bytes).hex() + "\n";
}

bool is_ours(const fs::path& file) {
  // Also what a killed process left of one: KEY.channel and the suffix of the file beside it.
  const std::string name = file.filename().string();
  const auto hex = std::min(name.find_first_not_of("0123456789abcdef"), name.size());
  return hex == kHex && name.compare(hex, kEnding.size(), kEnding) == 0;
}

}  // namespace

std::optional<fs::path> Cache::default_folder() {
  const char* own = std::getenv("HILUM_CACHE");
  if (own && *own) return fs::path(own) / "channels";
  const char* home = std::getenv("HOME");
  if (home && *home) return fs::path(home) / ".cache" / "hilum" / "channels";
  return std::nullopt;
}

fs::path Cache::file(const std::string& key) const {
  return folder_ / key.substr(0, 2) / (key + std::string(kEnding));
}

std::optional<std::vector<float>> Cache::find(const std::string& key, size_t size) const try {
  std::error_code none;
  if (!fs::is_regular_file(file(key), none)) return std::nullopt;
  const std::string text = util::read_file(file(key));
  std::vector<float> voxels(size);
  uLongf bytes = size * sizeof(float);
  const size_t start = heading(key, "", 0).size();
  if (text.size() <= start) return std::nullopt;
  const int code =
      uncompress(reinterpret_cast<Bytef*>(voxels.data()), &bytes,
                 reinterpret_cast<const Bytef*>(text.data() + start), text.size() - start);
  if (code != Z_OK || bytes != size * sizeof(float)) return std::nullopt;
  if (!text.starts_with(heading(key, voxels.data(), bytes))) return std::nullopt;
  return voxels;
} catch (const Error&) {
  return std::nullopt;  // unreadable, or cleared by another process just now
}

bool Cache::keep(const std::string& key, std::span<const float> voxels) const {
  uLongf bytes = compressBound(voxels.size_bytes());
  std::string packed(bytes, '\0');
  if (compress2(reinterpret_cast<Bytef*>(packed.data()), &bytes,
                reinterpret_cast<const Bytef*>(voxels.data()), voxels.size_bytes(),
                Z_BEST_SPEED) != Z_OK)
    return false;
  packed.resize(bytes);
  try {
    fs::create_directories(file(key).parent_path());
    util::write_file(file(key), heading(key, voxels.data(), voxels.size_bytes()) + packed);
  } catch (const std::exception&) {
    return false;
  }
  return true;
}

std::vector<fs::path> Cache::files() const {
  std::vector<fs::path> found;
  std::error_code none;
  for (auto it = fs::recursive_directory_iterator(folder_, none);
       !none && it != fs::recursive_directory_iterator(); it.increment(none))
    if (it->is_regular_file(none) && is_ours(it->path())) found.push_back(it->path());
  return found;
}

Cache::Size Cache::size() const {
  Size size;
  std::error_code none;
  for (const auto& file : files()) {
    const auto bytes = fs::file_size(file, none);
    if (!none) ++size.files, size.bytes += static_cast<int64_t>(bytes);
  }
  return size;
}

Cache::Size Cache::clear() const {
  const Size before = size();
  for (const auto& file : files()) {
    std::error_code error;
    fs::remove(file, error);
    if (error)
      throw Error(file.string() + ": cannot be removed: " + error.message() + ".", Fault::work);
    fs::remove(file.parent_path(), error);  // only where it is empty now
  }
  return before;
}

}  // namespace hilum::data
