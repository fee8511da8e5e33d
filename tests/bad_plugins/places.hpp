// SPDX-License-Identifier: Apache-2.0
// Folders of plugins and a cache for one test.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "core/plugins/catalog.hpp"

namespace hilum::plugins {

class Places : public testing::Test {
 protected:
  Places() {
    std::string name = (std::filesystem::temp_directory_path() / "hilum_bad_XXXXXX").string();
    root = mkdtemp(name.data());
  }
  ~Places() override { std::filesystem::remove_all(root); }

  /// A folder with copies of some of the bad libraries.
  std::filesystem::path folder(const std::string& name, const Strings& plugins) {
    std::filesystem::create_directories(root / name);
    for (const auto& plugin : plugins) {
      const std::string file = "backbone_" + plugin + ".so";
      std::filesystem::copy_file(std::filesystem::path(HILUM_BAD_DIR) / file, root / name / file);
    }
    return root / name;
  }
  Search search(std::vector<std::filesystem::path> path) {
    Search s;
    s.path = std::move(path);
    s.cache = root / "cache";
    s.engine = HILUM_DESCRIBER;
    s.patience = std::chrono::milliseconds(3000);
    return s;
  }
  std::filesystem::path root;
};

inline std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace hilum::plugins
