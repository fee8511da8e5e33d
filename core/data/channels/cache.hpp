// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hilum::data {

/// Images on disk by the SHA-256 of all that they are made from, in a folder that may be deleted
/// at any time. A file that is cut short, altered or of another program is as good as none.
class Cache {
 public:
  explicit Cache(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// HILUM_CACHE/channels, else ~/.cache/hilum/channels; without either variable, none.
  static std::optional<std::filesystem::path> default_folder();

  /// The image that was kept under `key`, of exactly `size` voxels.
  std::optional<std::vector<float>> find(const std::string& key, size_t size) const;
  /// Written beside and renamed, so that processes may share the folder. A disk that takes nothing
  /// is no error: the image is made again next time. True where it was kept.
  bool keep(const std::string& key, std::span<const float> voxels) const;

  struct Size {
    int64_t files = 0, bytes = 0;
  };
  Size size() const;
  /// Removes its own files, no others. Throws Error naming one that cannot be removed.
  Size clear() const;
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path file(const std::string& key) const;
  std::vector<std::filesystem::path> files() const;
  std::filesystem::path folder_;
};

}  // namespace hilum::data
