// SPDX-License-Identifier: Apache-2.0
// Descriptions of libraries by their SHA-256, in one JSON file a stamp. Losing it only costs time.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "core/plugins/child.hpp"

namespace hilum::plugins {

class Cache {
 public:
  /// An empty folder: nothing is kept.
  Cache(const std::filesystem::path& folder, const std::string& stamp);

  /// Of the file. A file whose size, times and inode are unchanged is not read again. Throws Error.
  std::string sha256(const std::filesystem::path& library);
  std::optional<Report> find(const std::string& sha256) const;
  void put(const std::string& sha256, const Report& report);
  /// Writes what is new beside what others wrote meanwhile. Never throws.
  void save();

 private:
  struct File {
    std::string signature, sha256;
  };
  struct Content {
    std::map<std::string, File> files;        // by path
    std::map<std::string, Report> libraries;  // by SHA-256
  };
  Content read() const;
  std::filesystem::path file_;
  Content content_;
  bool changed_ = false;
};

}  // namespace hilum::plugins
